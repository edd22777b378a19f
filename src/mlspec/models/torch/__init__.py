"""Networks, trained by torchkit."""
