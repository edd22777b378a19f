"""What steps do about people: privacy, fairness, groups."""
