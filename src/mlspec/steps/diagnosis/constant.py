"""Features that say nothing: missing in all training rows, or of one value."""

import polars as pl

from mlspec.steps.diagnosis import advice
from mlspec.steps.diagnosis.finding import Check

SHOWN = 5


def constant(train: "pl.LazyFrame", spec: advice.Spec) -> Check:
    """Whether every feature varies among these rows, which are the features of all training rows; images are not
    compared. A value and missing cells are two."""
    names = [name for name, kind in train.collect_schema().items() if kind != pl.Binary]
    asked = [
        measure.alias(f"{what}/{name}")
        for name in names
        for what, measure in (
            ("missing", pl.col(name).null_count() == pl.len()),
            ("same", (pl.col(name).min() == pl.col(name).max()) & (pl.col(name).null_count() == 0)),
        )
    ]
    seen = train.select(asked).collect(engine="streaming").row(0, named=True) if asked else {}
    missing = [name for name in names if seen[f"missing/{name}"]]
    same = [name for name in names if seen[f"same/{name}"]]
    found = [f"'{name}' is missing in all training rows" for name in missing]
    found += [f"'{name}' has one value in all training rows" for name in same]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return Check(
        check="constant",
        measured="; ".join(found[:SHOWN]) + more or "every feature varies",
        expected="every feature varies among the training rows",
        fails=bool(found),
        advice=f"{advice.without(spec, [*missing, *same])}; if new rows will vary, {advice.accept('constant')}",
    )
