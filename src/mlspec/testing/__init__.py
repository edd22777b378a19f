"""Conformance suites for whoever adds to mlspec: a class that inherits from one inherits its tests."""
