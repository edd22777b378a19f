"""Run -> what a person or another tool reads: HTML, Markdown, JSON."""
