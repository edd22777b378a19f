"""A run: its folder, its lock file, its history, its hold-out ledger."""
