"""What expectations ask for, measured in parts of the rows and merged: the same as of all rows at once.

A part's folder: its values (a row of a table; ``rows``, and ``NUMBER/MEASURE`` for the expectation of that number),
exact sums, groups with their counts, and a few rows that break each expectation.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlspec.steps import results
from mlspec.steps.data import exact_sums, expectations, expected_rows, parquet
from mlspec.steps.job import Job

VALUES, SUMS, SAMPLES, GROUPS = "values.parquet", "sums.json", "samples.json", "groups.{}.parquet"
HOW = {
    "breaking": "sum", "missing": "sum", "least": "min", "shortest": "min", "greatest": "max", "longest": "max",
    "newest": "max", "example": "first",
}  # fmt: skip
SUMMED = ("sum", "mean")
ALL_ROWS = frozenset({"breaking/unique", "distinct", "quantile"})  # what is measured of all rows together


class Merged:
    """What all parts have measured."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        values = pl.concat([pl.read_parquet(folder / VALUES) for folder in folders], how="vertical_relaxed")
        self._values = values.select([_merged(name) for name in values.columns]).row(0, named=True)
        self.rows: int = self._values["rows"]

    def measures(self, index: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Those of an expectation, in the order of ``expectations.measures``, without those that were not measured."""
        own = {name: value for name, value in self._values.items() if name.startswith(f"{index}/")}
        found = {name.partition("/")[2]: value for name, value in own.items()}
        if "missing" in found:
            found["missing"] = found["missing"] / self.rows if self.rows else None
        return {**found, **self._sums(index, asked)}

    def groups(self, index: int, names: Sequence[str]) -> "pl.DataFrame":
        """The groups of an expectation with the numbers of their rows (``len``)."""
        tables = [pl.scan_parquet(folder / GROUPS.format(index)) for folder in self._folders]
        counted = pl.concat(tables, how="vertical_relaxed").group_by(names).agg(pl.col("len").sum())
        return counted.collect(engine="streaming")

    def sample(self, index: int) -> list[dict[str, Any]]:
        """A few of the rows that break an expectation."""
        found: list[dict[str, Any]] = []
        for folder in self._folders:
            found += results.read_json(folder / SAMPLES)[str(index)][: expected_rows.SAMPLE - len(found)]
        return found

    def _sums(self, index: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        wanted = [name for name in SUMMED if name in asked]
        if not wanted:
            return {}
        found: dict[str, float | None]
        total, plain = exact_sums.Moments(), 0.0
        for folder in self._folders:
            written, rounded = results.read_json(folder / SUMS)[str(index)]
            total, plain = total.plus(exact_sums.read(written)), plain + (math.nan if rounded is None else rounded)
        count = total.count + total.others
        if total.others:
            found = {"sum": plain, "mean": plain / count}
        else:
            found = {"sum": total.total(), "mean": total.mean()}
        return {name: found[name] for name in wanted}


def of_part(asked: Mapping[str, Any], allowed: "pl.Series | None") -> "dict[str, pl.Expr]":
    """The values that a part measures for an expectation."""
    found = expectations.measures(asked, allowed)
    if "missing" in found:
        found["missing"] = pl.col(asked["column"]).is_null().sum()
    return {name: measure for name, measure in found.items() if name not in ALL_ROWS.union(SUMMED)}


def join_left_out(job: Job) -> None:
    """Write the rows that parts have left out, with their places among all rows."""
    starts, before = {}, 0
    for name in sorted(name for name in job.inputs if name.startswith("measured.")):
        starts[name.partition(".")[2]] = before
        before += pl.read_parquet(job.inputs[name] / VALUES)["rows"][0]
    left = [
        parquet.scan(job.inputs[f"dropped.{place}"]).with_columns(pl.col(expected_rows.ROW) + pl.lit(start, pl.UInt32))
        for place, start in starts.items()
    ]
    parquet.write(pl.concat(left), job.outputs["dropped"])
    aside = [job.inputs[f"quarantine.{place}"] for place in starts]
    parquet.write(parquet.scan(*aside), job.outputs["quarantine"])


def _merged(name: str) -> "pl.Expr":
    column = pl.col(name)
    match HOW.get(name.split("/")[1]) if "/" in name else "sum":
        case "sum":
            return column.cast(pl.Int64).sum()
        case "min":
            return column.min()
        case "max":
            return column.max()
        case _:
            return column.drop_nulls().first()
