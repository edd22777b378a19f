"""Colour on a terminal."""


def paint(text: str, code: str, color: bool) -> str:
    """The text in a terminal colour (an SGR code such as ``1;31``), if there is to be colour."""
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text
