"""Treats the personal columns of what was fetched before anything of it is kept: a snapshot holds no raw one."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.graph import uses
from mlspec.graph.uses import Pair
from mlspec.machine.environment import key_mark
from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.plugins.source import Source, Wanted
from mlspec.rules import _roles
from mlspec.spec import Project
from mlspec.store import locks

STAGING = ".fetching-"
NAME = "treated.parquet"


class Treatments(Struct, frozen=True, kw_only=True):
    """What is done to personal columns: ``actions`` by column, ``types`` as the spec states them, ``personal`` all
    columns whose values no message may show. ``mark`` differs where any of these, or a key, does."""

    actions: dict[str, Pair] = {}
    types: Mapping[str, ColumnType] = {}
    personal: tuple[str, ...] = ()
    mark: str = ""


class MisfitError(StepError):
    """An anonymiser does not accept the type of its column."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def of(project: Project) -> Treatments:
    """What a spec says of personal columns; no mark where nothing is to be treated."""
    stated = project.data.personal
    found = {name: action for name in _roles.treatments(project) if (action := stated[name].action) is not None}
    if not found:
        return Treatments(personal=tuple(stated))
    actions = {name: uses.pair(use) for name, use in found.items()}
    types = dict(project.data.columns.types)
    secrets = sorted({secret for secret in (cast(Anonymizer, use.plugin).secret() for use in found.values()) if secret})
    said = [actions, types, [[name, key_mark(name)] for name in secrets]]
    mark = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:16]
    return Treatments(actions=actions, types=types, personal=tuple(stated), mark=mark)


def treat(
    reader: Source, folder: Path, columns: Schema, wanted: Wanted, treatments: Treatments, *, ordered: bool
) -> Path | None:
    """The wanted columns of a file in ``folder``, personal ones treated, as Parquet; None where none is to be treated.

    Rows whose order says nothing are put in order once more, by what their cells have become. Raises MisfitError, and
    StepError where a key is lacking.
    """
    import polars as pl

    from mlspec.steps.data import anonymize, parquet

    if not any(column.name in treatments.actions for column in columns):
        return None
    names = set(wanted.of([column.name for column in columns]))
    read = tuple(
        Column(
            column.name,
            treatments.types.get(column.name, column.type),
            "sensitive" if column.name in treatments.personal else column.role,
        )
        for column in columns
        if column.name in names
    )
    stated = []
    for column in read:
        pair = treatments.actions.get(column.name)
        if pair is not None:
            _fits(column, pair)
            stated.append([column.name, column.type, pair])
    rows = reader.scan(folder, read)
    numbers = [column.name for column in read if column.type == "number"]
    if numbers:
        rows = rows.with_columns(pl.col(numbers).fill_nan(None))
    rows = rows.with_columns(anonymize.treated(stated))
    target = folder / NAME
    parquet.write(rows if ordered else rows.sort([column.name for column in read]), target)
    return target


def _fits(column: Column, pair: Pair) -> None:
    action = cast(Anonymizer, msgspec.convert(pair[1], registry.plugin("anonymizers", pair[0])))
    if action.accepts and column.type not in action.accepts:
        kinds = ", ".join(sorted(action.accepts))
        raise MisfitError(column.name, f"'{pair[0]}' accepts {kinds}, but '{column.name}' is of type {column.type}")


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A folder for what is being fetched, gone afterwards. Who is killed leaves it to ``sweep``."""
    import os
    import tempfile

    while True:
        path = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
        handle = locks.hold_folder(path)
        if handle is not None:
            break
    try:
        yield path
    finally:
        _remove(path)
        os.close(handle)


def sweep(snapshots: Path) -> None:
    """Remove what killed processes were fetching: it may hold personal columns as they came."""
    import os

    for path in snapshots.glob(f"*/{STAGING}*"):
        handle = locks.hold_folder(path)
        if handle is not None:
            try:
                _remove(path)
            finally:
                os.close(handle)


def _remove(path: Path) -> None:
    # What was fetching may write its last file meanwhile.
    for _attempt in range(3):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
