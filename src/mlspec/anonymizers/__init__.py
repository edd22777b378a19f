"""Plug-ins, one file each: the file name is the name used in a spec."""
