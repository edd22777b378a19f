"""What makes decisions treat groups less differently: weights, thresholds by group, a price on differences."""
