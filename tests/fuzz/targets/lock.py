"""``mlspec.lock`` beside a spec, as compile, diff and run read it."""

import functools
import json
from pathlib import Path
from random import Random

import beside
import wild
from inputs import SPECS

from mlspec.diagnostics import StoreError
from mlspec.diff.change import Impact
from mlspec.diff.results import Locked, results
from mlspec.engine.run import lockfile
from mlspec.spec import pinned

SHARE, TRACED = 40, True


@functools.cache
def _keys() -> tuple[str, ...]:
    found = {key for data in seeds() for path in wild.paths(json.loads(data)) for key in path if isinstance(key, str)}
    return tuple(sorted(found))


def seeds() -> list[bytes]:
    """The locks of two examples; a short one is in the corpus."""
    return [(SPECS / name / "mlspec.lock").read_bytes() for name in ("penguins", "census-sqlite")]


def mutate(data: bytes, chance: Random) -> bytes:
    """Values or bytes."""
    return wild.json_of(data, chance, _keys())


def one(data: bytes, scratch: Path) -> str:
    """Compile beside it, then read it as ``run`` and ``diff`` do."""
    root = beside.fresh(scratch, "lock")
    (root / pinned.LOCK).write_bytes(data)
    _graph, found = beside.compiled(root)
    try:
        whole = lockfile.read(root / pinned.LOCK)
    except StoreError:
        return f"no lock {found}"
    if whole is not None:
        lockfile.text(whole)
        results(Locked(whole), Locked(whole), Impact(unknown=None))
        results(Locked(lockfile.Lock()), Locked(whole), Impact(unknown=None))
    return f"lock {found}"
