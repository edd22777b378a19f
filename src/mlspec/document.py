"""Text -> Document: plain data, and a span in the file for every path."""

Path = tuple[str | int, ...]
