"""Training of networks: one flat loop, devices, checkpoints. Imported only inside a torch model."""
