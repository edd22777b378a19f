"""Carries a plan out: which step may start when, and the one function that runs one step."""
