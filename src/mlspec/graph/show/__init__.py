"""A graph and its plan, written for people and for other tools: one module a format, each a pure function."""
