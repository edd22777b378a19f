"""What a model must stand against, one file each; the file's name is the name used in a spec."""
