"""The column that says how much each row counts: prepared beside the features, refused where it is no weight."""

from pathlib import Path

import polars as pl
import pytest

from mlspec import api
from mlspec.diagnostics import StepError
from mlspec.engine import preparation, training
from mlspec.engine.work import prepare

ROWS = pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "w": [1, 3, 0, 4], "y": [1.0, 2.0, 3.0, 4.0]})
PARAMS = {
    "columns": [{"name": "a", "type": "number", "steps": []}],
    "target": ["y", "number"],
    "task": "regression",
    "positive": None,
    "weight": "w",
}


def test_weights_are_one_on_average_and_no_feature(tmp_path: Path) -> None:
    state = preparation.fit(ROWS.lazy(), PARAMS)
    prepared = preparation.apply(ROWS.lazy(), state).collect()
    assert prepared.columns == ["a", "__target__", "__weight__"]
    prepared.write_parquet(tmp_path / "rows.parquet")
    given = training.training(
        tmp_path / "rows.parquet",
        tmp_path / "rows.parquet",
        state,
        task="regression",
        seed=0,
        device="cpu",
        threads=1,
        checkpoints=tmp_path,
        progress=lambda *_: None,
    )
    assert given.weights is not None
    assert given.weights.tolist() == [0.5, 1.5, 0.0, 2.0]
    assert given.features.numeric_names == ("a",)
    # Rows to predict need no weight.
    assert preparation.apply(ROWS.drop("w", "y").lazy(), state).collect().columns == ["a"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, None, 2.0], "the weight 'w' is missing or infinite in 1 rows"),
        ([1.0, float("inf"), 2.0], "the weight 'w' is missing or infinite in 1 rows"),
        ([1.0, -2.5, 2.0], r"the weight 'w' is -2\.5 in a row, a weight is at least 0"),
        ([0.0, 0.0], "the weight 'w' is 0 in every row"),
    ],
)
def test_what_is_no_weight_is_refused(values: list[float | None], message: str) -> None:
    with pytest.raises(StepError, match=message):
        prepare.check_weights(pl.LazyFrame({"w": values}), "w")


def test_a_run_learns_from_the_rows_that_count(tmp_path: Path) -> None:
    """Half of the rows rise and half fall with x; those that fall count for nothing."""
    rows = [f"{x},{x if x % 2 else -x},{x % 2}" for x in range(200)]
    (tmp_path / "rows.csv").write_text("x,y,counts\n" + "\n".join(rows) + "\n")
    (tmp_path / "project.yaml").write_text(
        "project: {name: weighed}\n"
        "data:\n  sources: {rows: {path: rows.csv}}\n  columns: {target: y, weight: counts}\n"
        "model: {candidates: {line: {type: ridge, alpha: 0}}, cross_validation: {folds: 2}}\n"
    )
    done = api.run(tmp_path / "project.yaml")
    assert done.outcome == "passed"
    predicted = api.load_model(tmp_path / str(done.model)).predict(pl.DataFrame({"x": [10, 50]}))
    assert predicted == pytest.approx([10, 50], rel=1e-3)
