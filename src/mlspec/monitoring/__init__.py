"""A model in service: the request log and labels against the sketch in the package, at a stated time."""
