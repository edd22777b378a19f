"""Compile machine-learning projects: one project.yaml, checked, planned, run, and proven."""

__version__ = "0.1.0"
