"""The search for settings: what is tried, how long each trial trains, and what is remembered of it.

Everything follows from the plan and the scores of the trials before, so a search that was killed asks the same
questions again, takes the answers it has from its journal, and goes on as if nothing had happened.
"""
