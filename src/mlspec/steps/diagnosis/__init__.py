"""Checks that find what is wrong with data, networks and their training before long training shows it."""
