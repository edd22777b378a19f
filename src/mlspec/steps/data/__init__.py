"""What steps do to tables: sources, joins, splits, preparation, expectations."""
