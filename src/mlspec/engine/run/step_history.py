"""What each step was made of when it last ran, and how long it took: for a plan's reasons and estimates."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from mlspec import paths
from mlspec.graph.fingerprint import Parts
from mlspec.machine import json_values, safe_files, seals
from mlspec.store import files


class Before(msgspec.Struct, frozen=True):
    """A step as it was: what its fingerprint was made of, and the seconds that its work took."""

    parts: Parts
    seconds: float | None = None


def read(home: Path) -> dict[str, Before]:
    """The steps by id; empty where there is nothing, nothing that can be read, or nothing that was written here."""
    try:
        content = seals.opened(safe_files.read(paths.previous(home)), seals.key(paths.store(home)))
        return {} if content is None else json_values.decode(content, dict[str, Before])
    except (OSError, ValueError):
        return {}


def adopt(home: Path) -> None:
    """Take what was written elsewhere as written here."""
    path, key = paths.previous(home), seals.key(paths.store(home))
    with contextlib.suppress(OSError, ValueError):
        content = safe_files.read(path)[: -seals.LENGTH]
        json_values.decode(content, dict[str, Before])
        if key is not None:
            files.replace(path, seals.sealed(content, key))


def write(home: Path, before: Mapping[str, Before], steps: Mapping[str, Before]) -> None:
    """Lay these steps over those that were read, whole or not at all; nothing is written where nothing changed."""
    merged = {**before, **steps}
    key = seals.key(paths.store(home))
    if merged != before and key is not None:
        files.replace(paths.previous(home), seals.sealed(msgspec.json.encode(merged, order="sorted"), key))
