"""Rows that are tied to rows of another part, and features dated after the prediction: found, with the YAML."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mlspec import api, paths
from mlspec.store.store import Store

COUNT = 600
SPEC = """\
project: {name: ties}
data:
  sources: {rows: {path: rows.parquet}}
  columns: {target: y, drop: [row]%s}
  split: %s
model: {candidates: {one: {type: logistic_regression}}}
backend: {engine: inline}
"""


def checks(folder: Path, split: str, columns: str = "") -> dict[str, dict[str, Any]]:
    draw = np.random.Generator(np.random.PCG64(1))
    x = draw.normal(size=COUNT)
    day = pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(COUNT) // 4)
    rows = pl.DataFrame({"row": range(COUNT), "x": x, "patient": draw.integers(0, 90, COUNT)}).with_columns(
        pl.Series("y", np.where(x + draw.normal(size=COUNT) > 0, "yes", "no")),
        day.alias("seen"),
        (day + pl.duration(days=pl.int_range(COUNT) % 5 - 3)).alias("refunded"),
    )
    folder.mkdir()
    rows.write_parquet(folder / "rows.parquet")
    (folder / "project.yaml").write_text(SPEC % (columns, split))
    done = api.run(folder, only=["check.data.test"])
    assert not done.failures, done.failures
    outputs = api.compile(folder).plan.steps["check.data.test"].outputs
    assert outputs is not None
    found = json.loads(Store(paths.store(paths.home(folder))).path(outputs["report"]).read_bytes())
    return {check["check"]: check for check in found["checks"]}


def test_one_patient_on_both_sides(tmp_path: Path) -> None:
    found = checks(tmp_path / "random", "{by: random}")["groups"]
    assert found["fails"]
    assert found["measured"] == "100.0% of the rows have a 'patient' that also occurs in training rows"
    assert "split: {by: group, column: patient}" in found["advice"]
    assert "groups" not in checks(tmp_path / "group", "{by: group, column: patient}")
    later = checks(tmp_path / "time", "{by: time, column: seen}")["groups"]
    assert not later["fails"], "later rows of known patients are what a split by time asks about"


def test_a_feature_that_is_in_the_rows_future(tmp_path: Path) -> None:
    found = checks(tmp_path / "time", "{by: time, column: seen}")["future"]
    assert found["fails"]
    assert found["measured"] == "'refunded' is after 'seen' in 20.0% of the rows"
    assert "data.columns.drop: [row, refunded]" in found["advice"]
