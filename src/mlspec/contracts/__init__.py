"""Data contracts of other tools, read as expectations, and expectations written as contracts of other tools."""
