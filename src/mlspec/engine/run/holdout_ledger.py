"""The ledger of hold-out use: which models the same test rows have judged.

If many models are evaluated on the same rows, the best one is partly the luckiest one (Blum and Hardt 2015), so test
rows wear out. A use is a new set of predictions of the test rows; asking the same model again is none. The ledger is in
``.mlspec/holdout.jsonl`` and, so that it is not lost with that folder and is shared, in ``mlspec.lock``.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlspec import paths
from mlspec.diagnostics import StoreError
from mlspec.graph.graph import Graph
from mlspec.machine import json_values, safe_files
from mlspec.spec import pinned

FILE = "holdout.jsonl"


class Use(Struct, frozen=True, kw_only=True):
    """A model was judged by test rows: the digests of the rows, of the data that they come from (its files and how many
    rows of them are taken), and of the model's predictions."""

    test: str
    data: str
    predictions: str


class Holdout(Struct, frozen=True, kw_only=True):
    """How much the test rows of a run have been used: all uses in their order, the place (from 1) of this run's model
    among them, and how many are allowed (None: any number)."""

    uses: tuple[Use, ...]
    place: int
    allowed: int | None

    def exceeded(self) -> bool:
        """Whether this model came after as many others as are allowed."""
        return self.allowed is not None and self.place > self.allowed


def use_of(graph: Graph, digests: dict[str, dict[str, str]]) -> Use | None:
    """The use that a graph's final evaluation is, from its steps' output digests; None where there was none."""
    step = next((step for step in graph.steps.values() if step.kind == "evaluate_test"), None)
    if step is None or step.id not in digests:
        return None
    predict = step.inputs["predictions"]
    test = graph.steps[predict.step].inputs["test"]
    files = {
        step.id: {pinned.name_of_rows(name): digest for name, digest in step.files.items()}
        for step in graph.steps.values()
        if step.kind == "source"
    }
    about = [files, graph.project.data.sample]
    return Use(
        test=digests[test.step][test.output],
        data=hashlib.sha256(msgspec.json.encode(about, order="sorted")).hexdigest(),
        predictions=digests[predict.step][predict.output],
    )


def count(use: Use, known: Iterable[Use], allowed: int | None) -> Holdout:
    """The uses of the same rows, or of other rows drawn from the same data: drawing again makes nothing fresh."""
    of_these = {one.predictions: one for one in known if one.test == use.test or one.data == use.data}
    of_these.setdefault(use.predictions, use)
    place = list(of_these).index(use.predictions) + 1
    return Holdout(uses=tuple(of_these.values()), place=place, allowed=allowed)


def read(home: Path) -> list[Use]:
    """The uses written down in a project's folder; lines that can't be read (a kill, a full disk) are left out.

    Raises StoreError where there is a ledger and it can't be read: unread it would count no use.
    """
    try:
        lines = safe_files.read(home / FILE).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        text = f"'{home / FILE}', the ledger of hold-out use, can't be read: {(error.strerror or '').lower()}"
        raise StoreError(f"{text}; restore it, or remove it") from None
    found = []
    for line in lines:
        try:
            found.append(json_values.decode(line, Use))
        except ValueError:
            continue
    return found


def record(home: Path, use: Use, **about: Any) -> None:
    """Write a use down, unless it is there; on the disk before this returns. ``about`` is kept beside it.

    Raises OSError when it can't be written: a verdict without a counted use must not be shown.
    """
    if use in read(home):
        return
    paths.prepare(home)
    handle = os.open(home / FILE, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if use in read(home):
            return
        size = os.fstat(handle).st_size
        torn = size and os.pread(handle, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + msgspec.json.encode({**msgspec.to_builtins(use), **about}) + b"\n"
        if os.write(handle, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(home / FILE))
        os.fsync(handle)
    finally:
        os.close(handle)
