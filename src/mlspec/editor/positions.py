"""Places as the protocol counts them, in code units, and as spans do; what is outside is moved inside."""

from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]


def column(line: str, character: int, encoding: Encoding = "utf-16") -> int:
    """The characters before a place in a line; one within a character is before it."""
    if character <= 0:
        return 0
    if encoding == "utf-32" or (line.isascii() and character <= len(line)):
        return min(character, len(line))
    units = 0
    for index, one in enumerate(line):
        units += _width(one, encoding)
        if units > character:
            return index
    return len(line)


def character(line: str, column: int, encoding: Encoding = "utf-16") -> int:
    """The code units before a character of a line."""
    before = line[: max(column, 0)]
    return len(before) if before.isascii() else sum(_width(one, encoding) for one in before)


def _width(one: str, encoding: Encoding) -> int:
    if encoding == "utf-16":
        return 2 if ord(one) > 0xFFFF else 1
    return len(one.encode("utf-8", "surrogatepass")) if encoding == "utf-8" else 1
