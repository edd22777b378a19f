"""Rows of the log with their labels, as a table that a source of the next run can read."""

from typing import Any

import polars as pl

from mlspec.monitoring.labels import TRUTH, Labels, joined
from mlspec.monitoring.log import Log
from mlspec.steps.serving.reference import Reference

BACK: dict[str, Any] = {"integer": pl.Int64, "number": pl.Float64, "category": pl.String}


def table(reference: Reference, log: Log, labels: Labels, *, groups: bool = False) -> "pl.DataFrame":
    """The labelled rows, the oldest first: ``request_id``, ``row``, ``time``, ``prediction`` as it was answered, the
    features and the target under their own names and in their own types. ``groups``: also those that the log or the
    labels name, which are often sensitive."""
    rows = joined(log.rows, labels).filter(pl.col(TRUTH).is_not_null()).reverse()
    taken = {column.name for column in reference.columns if f"input.{column.name}" in log.present}
    features = [_typed(column.name, column.type) for column in reference.columns if column.name in taken]
    target = pl.col(TRUTH).alias(reference.target)
    if reference.target_type == "integer":
        target = target.cast(pl.Int64, strict=False)
    elif reference.target_type == "boolean":
        target = target == "true"
    said = {name.removeprefix("input.") for name in rows.columns if name.startswith("input.")}
    unknown = sorted(said - {column.name for column in reference.columns})
    known = [name for name in unknown if groups and rows[f"input.{name}"].null_count() < rows.height]
    features += [pl.col(f"input.{name}").alias(name) for name in known]
    taken |= set(known)
    own = [pl.col(name).alias(_free(name, taken | {reference.target})) for name in ("request_id", "row", "time")]
    answer = pl.col("prediction").alias(_free("prediction", taken | {reference.target}))
    return rows.select(*own, answer, *features, target)


def _typed(name: str, kind: str) -> "pl.Expr":
    cell = pl.col(f"input.{name}")
    if kind == "boolean":
        cell = cell == "true"
    elif kind == "date":
        cell = cell.cast(pl.Int32).cast(pl.Date)
    elif kind == "datetime":
        cell = cell.cast(pl.Int64).cast(pl.Datetime("us"))
    else:
        cell = cell.cast(BACK[kind], strict=False)
    return cell.alias(name)


def _free(name: str, taken: set[str]) -> str:
    return f"served_{name}" if name in taken else name
