"""What the beginning of a file shows about how it has to be read, where nobody has stated it."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from mlspec import registry
from mlspec.plugins.source import Source
from mlspec.sources import _written


class Sniffed(Struct, frozen=True):
    """The settings of a source, those that were given and those found, and a line for each thing that was found."""

    settings: dict[str, Any]
    notes: tuple[str, ...] = ()


def sniff(kind: str, path: Path, given: Mapping[str, Any]) -> Sniffed:
    """How to read a file of this format; ``given`` settings are kept as they are.

    What can't be read is no error here: the source says so when it is asked.
    """
    settings, notes = dict(given), list[str]()
    with contextlib.suppress(OSError, ValueError):
        source(kind, str(path), given)
        cast(type[Source], registry.plugin("sources", kind)).sniff(path, settings, notes)
    return Sniffed(settings, tuple(map(_line, notes)))


def _line(note: str) -> str:
    """A note with what a file says in it, as a line that can be a comment."""
    return "".join(sign if sign.isprintable() else " " for sign in note)


def source(kind: str, path: str, settings: Mapping[str, Any]) -> Source:
    """The source that reads a file with these settings. Raises ValueError where it has no such ones."""
    made = cast(Source, msgspec.convert({"path": path, **settings}, registry.plugin("sources", kind)))
    mistake = made.mistake()
    if mistake:
        raise ValueError(mistake)
    return made


def written(settings: Mapping[str, Any]) -> str:
    """Settings as they are in a spec, each behind a comma."""
    return "".join(f", {key}: {_written.text(value)}" for key, value in settings.items())
