"""Whose row it is, and who answers it: the labels of groups, and the groups that have answers of their own."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from mlspec.steps.data import parquet

FOLDER = "personal"
INDEX = "groups.json"
LABEL = 16  # characters of a user's digest
SHARE = 8  # of the memory, an eighth is for the rows of groups
UNSAID = 512 * 1024 * 1024  # bytes for them where no bound is said


def labels(column: "pl.Series", level: str) -> "pl.Series":
    """The group of each row as text, null where it is not known; of users a digest, so that no person is named."""
    plain = column.cast(pl.String)
    if level != "user":
        return plain
    known = plain.drop_nulls().unique()
    digests = [hashlib.sha256(name.encode()).hexdigest()[:LABEL] for name in known]
    return plain.replace_strict(known, pl.Series(digests, dtype=pl.String), default=None, return_dtype=pl.String)


def sizes(groups: "pl.Series") -> dict[str, int]:
    """How many rows each group has, the groups sorted by name."""
    counted = groups.drop_nulls().alias("group").value_counts()
    return dict(sorted((str(name), int(count)) for name, count in counted.iter_rows()))


def each(
    frame: "pl.LazyFrame", groups: "pl.Series", wanted: Sequence[str], memory: int | None
) -> "Iterator[tuple[str, pl.DataFrame]]":
    """The rows of each of these groups in a stored table, whose rows have these labels.

    Each reading of the table is for as many groups as fit into a share of the memory.
    """
    bound = UNSAID if memory is None else memory // SHARE
    most = parquet.batch(frame.collect_schema()) * max(1, bound // parquet.BATCH_BYTES)
    counts, before = sizes(groups), 0
    together: dict[int, list[str]] = {}
    for label in wanted:
        together.setdefault(before // most, []).append(label)
        before += counts.get(label, 0)
    for labels in together.values():
        mine = groups.is_in(labels).fill_null(False)
        found, theirs = parquet.some(frame, np.flatnonzero(mine.to_numpy())), groups.filter(mine)
        for label in labels:
            yield label, found.filter(theirs == label)


def part_of(label: str, parts: int) -> int:
    """The step, from 0, that a group is dealt to: by its name alone, so that other groups don't move it."""
    return int(hashlib.sha256(label.encode()).hexdigest()[:8], 16) % parts


def folder_of(label: str) -> str:
    """A folder's name for a group, whatever characters the group's name has."""
    return hashlib.sha256(label.encode()).hexdigest()[:LABEL]
