"""Classes with too few rows to be learned or measured, and targets that do not vary where they are measured."""

import polars as pl

from mlspec import formatting
from mlspec.steps.data.violations import flow, other_than
from mlspec.steps.diagnosis.finding import Check

SHOWN = 5


def classes(train: "pl.LazyFrame", other: "pl.LazyFrame", part: str, by: str) -> Check:
    """Whether every class of the target, the only column of both, has two training rows and a row in the other part.
    ``by``: how the rows were split."""
    (name,) = train.collect_schema().names()
    counts, others = _counts(train), _counts(other)
    rows = sum(others.values())
    found = _constant(others, rows, part)
    if not found and rows:
        found = [
            f"'{value}' has {formatting.count(counts[value], 'training row')} and no {part} row"
            for value in counts.keys() - others
        ]
    found += [f"'{value}' has 1 training row" for value in others if counts.get(value) == 1]
    single = [value for value, count in counts.items() if count == 1]
    ways = ["data.split: {by: stratified}"] if by in ("random", "given") else []
    ways += [f"data.filter: {flow(other_than(name, single[0]))}"] if single and len(counts) > 2 else []
    return Check(
        check="classes",
        measured="; ".join(sorted(found)[:SHOWN]) + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        or "every class has rows in both",
        expected=f"at least 2 training rows of every class, and {part} rows",
        fails=bool(found),
        advice="some metrics can't be measured without rows of each class: give the part a larger share"
        + "".join(f", or {way}" for way in ways),
    )


def values(other: "pl.LazyFrame", part: str) -> Check:
    """Whether a number to predict, the only column, varies in a part."""
    (name,) = other.collect_schema().names()
    least, most, rows = (
        other.select(pl.col(name).min().alias("least"), pl.col(name).max().alias("most"), pl.len())
        .collect(engine="streaming")
        .row(0)
    )
    found = _constant({str(least): rows} if least == most else {}, rows, part)
    return Check(
        check="classes",
        measured="; ".join(found) or "the target varies",
        expected=f"the target varies among the {part} rows",
        fails=bool(found),
        advice="some metrics can't be measured on one value: give the part a larger share",
    )


def _constant(counts: dict[str, int], rows: int, part: str) -> list[str]:
    return [f"all {rows:,} {part} rows have the target '{next(iter(counts))}'"] if len(counts) == 1 and rows > 1 else []


def _counts(frame: "pl.LazyFrame") -> dict[str, int]:
    (name,) = frame.collect_schema().names()
    counted = frame.group_by(pl.col(name).cast(pl.String)).len().collect(engine="streaming")
    return dict(sorted(counted.iter_rows()))
