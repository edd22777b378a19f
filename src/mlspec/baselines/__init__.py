"""What a model is compared with, one file each; the file's name is the name used in a spec."""
