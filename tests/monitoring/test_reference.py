"""The sketch of the test rows in an exported model: what it says, and what it does not say of people."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.monitoring.made import make_package

from mlspec.monitoring import packaged
from mlspec.steps.serving import reference

ROWS = 400
PARITY = {"metric": "demographic_parity_difference", "group": ["job"], "minimum_rows": 30, "at_most": 0.1}
KINDS = {"age": "integer", "pay": "number", "seen": "date", "job": "category", "town": "category"}


@pytest.fixture(scope="module")
def sketch(tmp_path_factory: pytest.TempPathFactory) -> reference.Reference:
    """Of rows with numbers, a date, categories and two personal columns."""
    random = np.random.default_rng(1)
    table = pl.DataFrame(
        {
            "age": random.integers(20, 60, ROWS),
            "pay": random.uniform(10_000, 90_000, ROWS),
            "seen": [date(2026, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 90, ROWS)],
            "job": random.choice(["a", "b"], ROWS, p=[0.7, 0.3]),
            "town": ["Bern"] * 200 + ["Basel"] * 197 + ["Zug", "Chur", "Thun"],
        }
    ).with_columns(pl.when(pl.col("age") < 25).then(None).otherwise(pl.col("age")).alias("age"))
    more = table.head(1).with_columns(age=pl.lit(99, pl.Int64), job=pl.lit("c"))
    probability = random.uniform(0, 1, ROWS)
    truth = (random.uniform(0, 1, ROWS) < probability).astype(np.int64)
    folder, _digest = make_package(
        tmp_path_factory.mktemp("sketch"),
        table,
        KINDS,
        probability,
        truth,
        {"monitor": {"drift": {"psi": {"at_most": 0.1}}}, "labels": None, "retrain": None},
        train=pl.concat([table, more]),
        personal=("pay", "town"),
        fairness=(PARITY, {**PARITY, "group": ["pay"]}),
        sliced=("job", "pay"),
    )
    return packaged.opened(folder).reference


def test_it_says_how_columns_and_answers_are_distributed(sketch: reference.Reference) -> None:
    columns = {column.name: column for column in sketch.columns}
    age = columns["age"]
    assert age.numbers is not None
    assert age.missing > 0
    assert sum(age.numbers.counts) == ROWS - age.missing
    assert (age.numbers.low, age.numbers.high) == (25, 99)  # the greatest is that of a training row
    job = columns["job"].levels
    assert job is not None
    assert dict(zip(job.values, job.counts, strict=True)).keys() == {"a", "b"}
    assert job.known == (reference.mark("c"),)  # of a training row
    assert len(sketch.scores.counts) == 10
    assert sketch.predicted is not None
    assert sum(sketch.predicted.counts) == ROWS
    area = sketch.metrics["roc_auc"]
    assert area.value is not None
    assert abs((area.estimated or 0) - area.value) < 0.05
    assert [list(group.values) for group in sketch.fairness[0].groups] == [["a"], ["b"]]


def test_no_value_of_a_person_is_in_it(sketch: reference.Reference) -> None:
    columns = {column.name: column for column in sketch.columns}
    pay, town = columns["pay"].numbers, columns["town"].levels
    assert pay is not None
    assert town is not None
    assert (pay.low, pay.high) == (None, None)
    assert all(edge == float(f"{edge:.3g}") for edge in pay.edges)
    assert (town.values, town.counts, town.others, town.known) == (("Bern", "Basel"), (200, 197), 3, None)
    assert [bound.groups for bound in sketch.fairness if bound.group == ("pay",)] == [()]
    assert {part.columns for part in sketch.slices} == {("job",)}
    assert b"Zug" not in msgspec.json.encode(sketch)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda said: said | {"version": 2}, "its format is version 2, but this mlspec reads 1"),
        (lambda said: said | {"more": 1}, "unknown field `more`"),
        (lambda said: said | {"scores": {"edges": [2, 1], "counts": [1, 1, 1]}}, "the edges of the predictions"),
        (lambda said: said | {"scores": {"edges": [1], "counts": [1]}}, "the histogram of the predictions"),
        (lambda said: said | {"classes": None}, "its classes do not fit its task"),
        (lambda said: said | {"columns": said["columns"] * 101}, "length <= 500"),
    ],
)
def test_a_sketch_that_does_not_fit_together_is_refused(
    sketch: reference.Reference, change: Callable[[dict[str, Any]], dict[str, Any]], why: str
) -> None:
    said = change(msgspec.to_builtins(sketch))
    with pytest.raises(ValueError, match=why):
        reference.decoded(msgspec.json.encode(said))
