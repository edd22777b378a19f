"""Durations, sizes, and names that are read off elsewhere."""

from collections.abc import Collection
from typing import Any

from mlspec.machine.patterns import pattern

WORDS = {"duration": "a duration with its unit", "bytes": "a size with its unit"}
LARGEST = {"duration": 1e10, "bytes": 2.0**62}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_ONE = pattern(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")


BOUNDS = {"duration": "more than 0 s and at most 1e10 s", "bytes": "more than 0 B and at most 4 EiB"}


def parse(unit: str, value: Any) -> float | int | None:
    """Seconds of a duration or bytes of a size, None for anything else and for what is out of bounds."""
    total = total_of(unit, value)
    if total is None or not 0 < total <= LARGEST[unit]:
        return None
    return total if unit == "duration" else round(total)


def total_of(unit: str, value: Any) -> float | None:
    """Seconds of a duration or bytes of a size, however many; None for anything else."""
    if not isinstance(value, str):
        return None
    table: dict[str, float] = dict(_SECONDS if unit == "duration" else _BYTES)
    at, total, parts = 0, 0.0, 0
    while at < len(value):
        found = _ONE.match(value, at)
        if found is None or found[2] not in table or (unit == "bytes" and parts):
            return None
        total += float(found[1]) * table[found[2]]
        at, parts = found.end(), parts + 1
    return total if parts else None


def source_of(path: str) -> str | None:
    """The source whose suffix a path, or the path of an address, has."""
    from mlspec import registry

    plain = path.lower().partition("?")[0].partition("#")[0] if "://" in path else path.lower()
    for name, cls in registry.usable("sources", plain):
        if cls.suffixes and plain.endswith(cls.suffixes):  # type: ignore[attr-defined]
            return name
    return None


def source_at(path: str) -> str | None:
    """The source that reads what is here: by its ending, else by the endings of the files in a folder or archive."""
    import os

    from mlspec import registry

    found = source_of(path)
    if found is not None or not (os.path.isdir(path) or path.lower().endswith(".zip")) or not os.path.exists(path):
        return found
    from pathlib import Path

    from mlspec.sources import _folders

    endings = {name: ends for name, cls in registry.usable("sources") if (ends := getattr(cls, "endings", ()))}
    try:
        return _folders.kind(Path(path), endings)
    except (OSError, ValueError):
        return next(iter(endings))


def source_with(keys: Collection[str]) -> str | None:
    """The source that one of these keys selects; None where only a path could."""
    from mlspec import registry

    for name, cls in registry.usable("sources"):
        key: str = cls.key  # type: ignore[attr-defined]
        if key != "path" and key in keys:
            return name
    return None
