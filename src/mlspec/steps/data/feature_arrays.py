"""Prepared rows as arrays: in memory where they are small, else in files that are mapped into it.

The stored result of a preparation is compressed. Whoever trains unpacks a large one once, a batch at a time, into files
of plain numbers, row after row, so that the arrays over them are the whole table without being in memory: the kernel
reads what is looked at and may drop it again. The files have no name any more when they are written: whatever ends the
process, nothing is left behind.
"""

import bisect
import functools
import itertools
import math
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine import resources
from mlspec.plugins.base import Column, State
from mlspec.plugins.model import BatchMemory, Features, Model
from mlspec.steps.data import parquet, preparation, sampled_rows
from mlspec.steps.data.preparation import REWEIGHED, TARGET, WEIGHT
from mlspec.torchkit import shares

Array = np.ndarray[Any, Any]

BESIDE = (TARGET, WEIGHT, REWEIGHED)
IN_MEMORY = 128 * 1024 * 1024  # bytes of features up to which rows are in memory


class Prepared(msgspec.Struct, frozen=True):
    """Rows, their target on the scale on which a model learns it (n,), and their weights (n,) where they have any."""

    features: Features
    target: "Array"
    weights: "Array | None"


def read(frame: "pl.LazyFrame", state: State, folder: Path | None = None) -> Prepared:
    """The rows of a stored table, large ones in nameless files on the disk of ``folder``.

    Raises OSError where that disk is full.
    """
    return _with_target(_features(frame, state, folder), frame, state, folder)


def read_share(path: Path, state: State, folder: Path, rank: int, processes: int) -> Prepared:
    """The same for one of several processes: of a large table its share of the features (``Features.shares``), from the
    files that have them, and the targets of all rows.

    Raises OSError where the disk is full.
    """
    frame = parquet.scan(path)
    about = preparation.features(frame.head(0).collect(), state)
    if not _is_large(frame, about):
        return read(frame, state, folder)
    files = parquet.files(path)
    ends = list(itertools.accumulate(parquet.count(parquet.scan(file)) for file in files))
    borders = shares.borders(ends[-1], processes)
    first, stop = borders[rank], borders[rank + 1]
    mine = frame.head(0)
    if stop > first:
        begin, end = (bisect.bisect_right(ends, row) for row in (first, stop - 1))
        mine = parquet.scan(*files[begin : end + 1]).slice(first - (ends[begin - 1] if begin else 0), stop - first)
    features = _over(about, _made(mine, state, about, folder))
    return _with_target(msgspec.structs.replace(features, shares=borders, first=first), frame, state, folder)


def of(rows: "pl.DataFrame", state: State) -> Prepared:
    """Prepared rows that are in memory."""
    return Prepared(
        preparation.features(rows, state),
        preparation.learned(preparation.target(rows, state), state),
        preparation.weights(rows, state),
    )


def prepared(
    frames: "Sequence[pl.LazyFrame]", state: State, folder: Path, *, supervised: bool = False, rows: int | None = None
) -> list[Prepared]:
    """Raw rows, prepared into ``folder`` and read from there as ``read`` does; the first are those trained on, or so
    many ``rows`` of them."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, frame in enumerate(frames):
        fitted = supervised and not number
        path = folder / f"{number}.parquet"
        change = functools.partial(preparation.apply, state=state, fitted=fitted)
        parquet.write_batches(preparation.with_folds(frame) if fitted else frame, change, path)
        made = parquet.scan(path)
        found.append(read(made if number else sampled_rows.chosen(made, state, rows), state, folder))
        path.unlink()
    return found


def pieces(path: Path, state: State) -> "Iterator[tuple[Features, pl.DataFrame]]":
    """The rows of a stored table, some at a time: as features, and as they are stored."""
    frame = parquet.scan(path)
    for _at, piece in parquet.pieces(frame, parquet.batch(frame.collect_schema())):
        found = piece.collect()
        yield preparation.features(found, state), found


def fits(rows: int, state: State, model: Model, allowed: int | None) -> None:
    """Raises StepError where fitting a model on so many rows surely takes more memory than is ``allowed``, or than this
    machine has free where that isn't said."""
    free = resources.memory() if allowed is None else allowed
    columns = preparation.width(state)
    least = int(rows * columns * model.holds)
    if free is None or least <= free:
        return
    there = f"this machine has {free / 1e6:,.0f} MB free: "
    if allowed is not None:
        there = f"backend.memory allows {free / 1e6:,.0f} MB: allow more, "
    others = [name for name, kind in registry.usable("models") if _takes_its_place(cast(type[Model], kind), model)]
    raise StepError(
        f"{rows:,} training rows of {columns:,} numbers take at least {least / 1e6:,.0f} MB of memory in this model, "
        f"{there}take fewer rows (rows, or data.sample), or a model that reads them piece by piece "
        f"({', '.join(others)})",
        "type",
    )


def batch_fits(
    state: State, model: Model, rows: int, allowed: int | None, *, device: str = "cpu", accumulate: bool = False
) -> None:
    """Raises StepError where one step of training on so many rows surely takes more memory than is ``allowed``, or than
    this machine has free where that isn't said. ``accumulate``: a batch that does not fit is taken in parts."""
    least = batch_memory(state, model, 1 if accumulate else rows)
    free = resources.memory() if allowed is None else allowed
    if device != "cpu" or least is None or free is None or least.size <= free:
        return
    there = f"this machine has {free / 1e6:,.0f} MB free" if allowed is None else f"allowed are {free / 1e6:,.0f} MB"
    raise StepError(
        f"one step of training takes at least {least.size / 1e6:,.0f} MB of memory, {there} ({least.counted}): take "
        f"{least.instead}{'' if allowed is None else ', or allow more (backend.memory)'}"
    )


def batch_memory(state: State, model: Model, rows: int) -> BatchMemory | None:
    """What a step of training takes at least, once preparation is fitted."""
    columns = [
        Column(one["name"], one["type"], levels=one["levels"], width=math.prod(shape), shape=shape or None)
        for one in state["outputs"]
        for shape in [tuple(one.get("shape", ()))]
    ]
    return model.batch_memory(tuple(columns), rows)


def _takes_its_place(kind: type[Model], model: Model) -> bool:
    return not kind.holds and not kind.needs and model.tasks <= kind.tasks


def _features(frame: "pl.LazyFrame", state: State, folder: Path | None) -> Features:
    if parquet.count(frame) <= parquet.batch(frame.collect_schema()):
        return preparation.features(frame.collect(), state)
    about = preparation.features(frame.head(0).collect(), state)
    return _over(about, _made(frame, state, about, folder if _is_large(frame, about) else None))


def _with_target(features: Features, frame: "pl.LazyFrame", state: State, folder: Path | None) -> Prepared:
    """Features with the target and the weights of all rows; the target of a large table is in a file too."""
    kept = [name for name in BESIDE if name in frame.collect_schema()]
    if features.is_mapped:
        like = preparation.target(frame.select(kept).head(0).collect(), state)
        made = _Made(parquet.count(frame), like, folder)
        for at, piece in parquet.pieces(frame.select(TARGET), parquet.ROW_GROUP):
            made.put(at, preparation.learned(preparation.target(piece.collect(), state), state))
        target, _map = made.array()
        kept = [name for name in kept if name != TARGET]
    else:
        target = preparation.learned(preparation.target(frame.select(kept).collect(), state), state)
    return Prepared(features, target, preparation.weights(frame.select(kept).collect(), state))


def _is_large(frame: "pl.LazyFrame", about: Features) -> bool:
    """Whether rows are in files rather than in memory."""
    count = parquet.count(frame)
    whole = count * (about.numeric.shape[1] + about.codes.shape[1]) * 4
    return count > parquet.batch(frame.collect_schema()) and whole > IN_MEMORY


def _made(
    frame: "pl.LazyFrame", state: State, about: Features, folder: Path | None
) -> "list[tuple[Array, mmap.mmap | None]]":
    """All rows, in files on the disk of ``folder``, or in memory where there is none."""
    made = [_Made(parquet.count(frame), like, folder) for like in (about.numeric, about.codes)]
    for at, piece in parquet.pieces(frame, parquet.batch(frame.collect_schema())):
        found = preparation.features(piece.collect(), state)
        made[0].put(at, found.numeric)
        made[1].put(at, found.codes)
    return [one.array() for one in made]


def _over(about: Features, made: "Sequence[tuple[Array, mmap.mmap | None]]") -> Features:
    arrays, maps = zip(*made, strict=True)
    mapped = tuple(one for one in maps if one is not None)
    return msgspec.structs.replace(about, numeric=np.asarray(arrays[0]), codes=np.asarray(arrays[1]), mapped=mapped)


class _Made:
    """An array that is made some rows at a time, in memory or in a file."""

    def __init__(self, count: int, like: "Array", folder: Path | None) -> None:
        self._shape, self._like = (count, *like.shape[1:]), like
        self._file: IO[bytes] | None = None
        self._room = np.empty((0, *like.shape[1:]), like.dtype)
        if folder is not None and math.prod(self._shape):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        else:
            self._room = np.empty(self._shape, like.dtype)

    def put(self, at: int, rows: "Array") -> None:
        """The next rows, which begin at this place."""
        if self._file is None:
            self._room[at : at + len(rows)] = rows
            return
        left = rows.reshape(-1).view("u1").data
        while left:
            left = left[self._file.write(left) :]

    def array(self) -> "tuple[Array, mmap.mmap | None]":
        """The array, and the mapping that it is in."""
        if self._file is None:
            return self._room, None
        with self._file:
            # Private, so that nothing that writes to it reaches the file, and read when it is looked at. The file goes
            # when nothing maps it any more.
            found = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return np.frombuffer(found, self._like.dtype).reshape(self._shape), found
