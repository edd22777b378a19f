"""A diff in the forms that people and tools read; one file a form."""
