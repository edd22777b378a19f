"""From a run to a release: bundles, their signatures, the registry that keeps them, and its ledger."""
