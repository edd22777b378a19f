"""What is fetched from elsewhere, pinned and kept."""
