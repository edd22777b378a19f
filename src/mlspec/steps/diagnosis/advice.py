"""What to write in the spec about a finding: each piece is a key with a value that can be put there as it is."""

import re
from collections.abc import Sequence

import polars as pl
from msgspec import Struct

from mlspec.anonymizers import _identifiers as identifiers
from mlspec.steps.data.violations import flow

TIME = re.compile(r"(^|_)(date|day|month|year|time|timestamp|week|quarter)(_|$)", re.IGNORECASE)


class Spec(Struct, frozen=True, kw_only=True):
    """What advice has to fit: columns that are left out, the features if they are listed, the column that identifies a
    row, and how rows are split."""

    drop: tuple[str, ...] = ()
    listed: tuple[str, ...] | None = None
    id: str | None = None
    by: str = "random"


def without(spec: Spec, names: Sequence[str]) -> str:
    """The key that keeps these columns from the models."""
    if spec.listed is not None:
        return f"data.columns.features: {flow([name for name in spec.listed if name not in names])}"
    return f"data.columns.drop: {flow([*spec.drop, *names])}"


def accept(check: str) -> str:
    """The key that accepts a finding."""
    return f"model.accept: {{{check}: WHY}}"


def leak(spec: Spec, values: "pl.Series") -> str:
    """What to do about a column that tells the target: a time orders the rows, an id is none of their properties, and
    others may be known only afterwards."""
    name, kind = values.name, values.dtype
    is_time = kind.is_temporal() or (kind.is_numeric() and TIME.search(name) is not None)
    is_id = identifiers.is_id(name) or (kind in (pl.String, pl.Int64) and values.n_unique() == len(values))
    if is_time and spec.by != "time":
        by = f"{{by: time, column: {flow(name)}}}"
        return (
            f"the target changes with time, and new rows are later ones: data.split: {by}; or {without(spec, [name])}"
        )
    if is_id and not is_time:
        own = f"data.columns.id: {flow(name)}; or " if spec.id is None and spec.listed is None else ""
        return f"'{name}' identifies rows and is no property of them: {own}{without(spec, [name])}"
    return f"is '{name}' known when a prediction is made? if not, {without(spec, [name])}; if so, {accept('leak')}"
