"""What steps do to judge models: scores, intervals, selection, gates."""
