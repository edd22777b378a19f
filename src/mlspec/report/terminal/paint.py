"""Colour on a terminal, and lines that stay lines."""

from collections.abc import Iterable


def paint(text: str, code: str, color: bool) -> str:
    """The text in a terminal colour (an SGR code such as ``1;31``), if there is to be colour."""
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text


def joined(lines: Iterable[str]) -> str:
    """Lines as a text that ends in a line break. One within a line came from elsewhere: it is spelled out."""
    return "".join(line.replace("\n", "\\u{a}") + "\n" for line in lines)
