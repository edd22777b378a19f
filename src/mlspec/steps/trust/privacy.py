"""Measures personal data that remains in the rows that steps read."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from mlspec.anonymizers._identifiers import CHECKS, PATTERNS
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.job import Job

LONG = 10**10  # the least number of so many digits as those of cards and people have


def run(job: Job) -> None:
    """``train``, ``validation``, ``test`` (raw rows) -> ``privacy``.

    ``identifiers``: how many cells of each column of text look like what names a person, by kind. ``k_anonymity``:
    the least number of rows that share a combination of values (Sweeney 2002); ``l_diversity``: the least number of
    distinct sensitive values among such rows (Machanavajjhala and others 2007). Numbers alone: no value is kept.
    """
    frames = [parquet.scan(job.inputs[part]) for part in sorted(job.inputs)]
    rows = pl.concat(frames, how="vertical_relaxed")
    measured: dict[str, Any] = {"rows": int(rows.select(pl.len()).collect().item())}
    if job.params.get("identifiers"):
        measured["identifiers"] = _identifiers(frames)
    anonymity = job.params.get("k_anonymity")
    if anonymity is not None:
        measured["k_anonymity"] = _shared(rows, anonymity["columns"], pl.len(), anonymity["at_least"])
    diversity = job.params.get("l_diversity")
    if diversity is not None:
        distinct = pl.col(diversity["sensitive"]).n_unique()
        measured["l_diversity"] = _shared(rows, diversity["columns"], distinct, diversity["at_least"])
    results.write_json(job.outputs["privacy"], measured)


def _shared(rows: "pl.LazyFrame", columns: list[str], of: "pl.Expr", least: int) -> dict[str, Any]:
    """The least of a figure over all combinations, and how many combinations and rows are below what is asked."""
    low = pl.col("value") < least
    asked = [
        pl.col("value").min().alias("least"),
        pl.len().alias("combinations"),
        low.sum().alias("combinations_below"),
        pl.col("rows").filter(low).sum().alias("rows_below"),
    ]
    groups = rows.group_by(columns).agg(of.alias("value"), pl.len().alias("rows"))
    found = groups.select(asked).collect(engine="streaming").row(0, named=True)
    return {"columns": columns, **{name: int(value or 0) for name, value in found.items()}}


def _identifiers(frames: "list[pl.LazyFrame]") -> dict[str, dict[str, int]]:
    """Cells that look like identifiers: by the pattern in one scan, then by the check of those that match."""
    schema = pl.concat(frames, how="vertical_relaxed").collect_schema()
    texts = [name for name, kind in schema.items() if kind == pl.String]
    found = _numbers(frames, [name for name, kind in schema.items() if kind == pl.Int64])
    if not texts:
        return found
    asked = [
        pl.col(name).str.contains(pattern).sum().alias(f"{kind}\0{name}")
        for name in texts
        for kind, pattern in PATTERNS.items()
    ]
    for place, count in _counted(frames, asked).items():
        kind, _, name = place.partition("\0")
        check = CHECKS.get(kind)
        if count and check is not None:
            cells = pl.col(name).str.extract_all(PATTERNS[kind]).alias("found")
            count = 0
            for piece in _pieces(frames):
                parts = piece.filter(pl.col(name).str.contains(PATTERNS[kind])).select(cells).collect()["found"]
                count += sum(any(check(text) for text in texts) for texts in parts)
        if count:
            found.setdefault(name, {})[kind] = int(count)
    return found


def _pieces(frames: "list[pl.LazyFrame]") -> "Iterator[pl.LazyFrame]":
    for frame in frames:
        for _at, piece in parquet.pieces(frame, parquet.ROW_GROUP):
            yield piece


def _counted(frames: "list[pl.LazyFrame]", asked: "list[pl.Expr]") -> dict[str, int]:
    """Sums over all rows, some of which are in memory at a time."""
    total: Counter[str] = Counter()
    for piece in _pieces(frames):
        total.update(piece.select(asked).collect().row(0, named=True))
    return dict(total)


def _numbers(frames: "list[pl.LazyFrame]", names: list[str]) -> dict[str, dict[str, int]]:
    """Integers that are card or identity numbers: where most of a column look like it and pass the check.

    One long number in ten passes such a check by chance, so single ones are not counted.
    """
    found: dict[str, dict[str, int]] = {}
    if not names:
        return found
    asked = [((pl.col(name) < LONG).sum().alias(f"{name}\0short"), pl.col(name).count().alias(name)) for name in names]
    counted = _counted(frames, [one for pair in asked for one in pair])
    rows = pl.concat(frames, how="vertical_relaxed")
    for name in names:
        count = counted[name]
        # The value in the middle is a short one.
        if not count or counted[f"{name}\0short"] > count // 2:
            continue
        some = rows.select(name).drop_nulls().head(1000).cast(pl.String).collect(engine="streaming")[name]
        for kind, check in CHECKS.items():
            alike = some.filter(some.str.contains(f"^(?:{PATTERNS[kind]})$"))
            if sum(map(check, alike)) > len(some) / 2:
                found[name] = {kind: count}
    return found
