"""``policy.yaml``: what an organisation requires of specs: its language, which files are in force, how they check."""
