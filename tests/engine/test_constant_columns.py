"""A column that is missing or constant in all training rows, of the split or of one fold, is named and ends no run."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlspec import api

SPEC = """\
project: {name: constant}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y, types: {never: category}}
  split: {by: time, column: day}
model:
  candidates: {trees: {type: hist_gradient_boosting, max_iter: 3}, line: {type: logistic_regression}}
  cross_validation: {folds: 3}
backend: {engine: inline}
"""


@pytest.mark.slow
def test_columns_that_say_nothing_in_the_training_rows_end_no_run(tmp_path: Path) -> None:
    draw = np.random.Generator(np.random.PCG64(1))
    x, at = draw.normal(size=200), pl.int_range(200)
    rows = pl.DataFrame({"x": x, "y": np.where(x + draw.normal(size=200) > 0, "yes", "no")}).with_columns(
        (pl.date(2024, 1, 1) + pl.duration(days=at)).alias("day"),
        pl.when(at >= 150).then(at).alias("late"),  # of the validation and test rows alone
        pl.when(at >= 60).then(at).alias("later"),  # of no training row of the first fold
        pl.when(at < 150).then(pl.lit("a")).otherwise(pl.lit("b")).alias("one"),
        pl.lit(None, pl.String).alias("never"),
    )
    rows.write_csv(tmp_path / "rows.csv")
    (tmp_path / "project.yaml").write_text(SPEC)
    found = api.run(tmp_path)
    assert not found.failures
    (check,) = [check for check in found.checks if check.check == "constant"]
    assert check.measured == (
        "'late' is missing in all training rows; 'never' is missing in all training rows; "
        "'one' has one value in all training rows"
    )
    assert check.advice.startswith("data.columns.drop: [late, never, one]; ")
