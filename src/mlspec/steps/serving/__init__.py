"""What steps do about a model in use: its package, latency, memory, size."""
