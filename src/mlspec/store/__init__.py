"""Results under their digests, actions under their fingerprints. Knows bytes and fingerprints, nothing of learning."""
