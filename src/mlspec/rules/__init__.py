"""One file a rule: what a schema cannot say, named after the wrong."""
