"""What a report says, as values, collected from a run."""
