"""Ways to carry a plan out, one file each; the file name is the engine name in a spec."""
