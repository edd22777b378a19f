"""What a spec can demand of the model and of how it is made: a file for each kind of constraint."""
