"""What the beginning of a file shows about how it has to be read, where nobody has stated it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct


class Sniffed(Struct, frozen=True):
    """The settings of a source, those that were given and those found, and a line for each thing that was found."""

    settings: dict[str, Any]
    notes: tuple[str, ...] = ()


def sniff(kind: str, path: Path, given: Mapping[str, Any]) -> Sniffed:
    """How to read a file of this format; ``given`` settings are kept as they are."""
    if kind == "excel" and "sheet" not in given:
        from mlspec.sources import _workbook

        return Sniffed(dict(given), _workbook.several(path))
    return Sniffed(dict(given))
