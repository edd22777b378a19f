"""Runs that are stored, and how they compare."""
