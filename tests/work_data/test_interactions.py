"""Interactions, ordered levels and a target on another scale: fitted, applied, and given back in their own unit."""

import math
from pathlib import Path

import polars as pl
import pytest

from mlspec import api
from mlspec.diagnostics import StepError
from mlspec.steps.data import preparation

ROWS = pl.DataFrame(
    {
        "a": [1.0, 2.0, None, 4.0],
        "b": [2, 3, 4, 5],
        "c": ["x", "y", "x", None],
        "z": [2.0, 0.0, 1.0, 8.0],
        "d": ["u", "u", "v", "v"],
        "y": [1.0, 10.0, 100.0, 1000.0],
    }
)


def params(*columns: dict[str, object], **more: object) -> dict[str, object]:
    return {"columns": list(columns), "target": ["y", "number"], "task": "regression", "positive": None, **more}


ONE_HOT = [["encode", {"method": "one_hot"}]]


def test_products_and_combinations() -> None:
    state = preparation.fit(
        ROWS.lazy(),
        params(
            {"name": "a x b", "type": "number", "steps": [], "of": ["product", ["a", "b"]]},
            {"name": "a / y", "type": "number", "steps": [], "of": ["ratio", ["a", "z"]]},
            {
                "name": "c x d",
                "type": "category",
                "steps": [["encode", {"method": "one_hot"}]],
                "of": ["cross", ["c", "d"]],
            },
        ),
    )
    made = preparation.apply(ROWS.lazy(), state).collect()
    assert made["a x b"].to_list() == [2.0, 6.0, None, 20.0]
    assert made["a / y"].to_list() == [0.5, None, None, 0.5]
    assert made.columns[2:5] == ["c x d=x x u", "c x d=x x v", "c x d=y x u"]
    assert made["c x d=x x v"].to_list() == [0.0, 0.0, 1.0, 0.0]


def test_levels_in_their_order() -> None:
    order = ["order", {"levels": ["y", "x"]}]
    state = preparation.fit(ROWS.lazy(), params({"name": "c", "type": "category", "steps": [order]}))
    assert preparation.apply(ROWS.lazy(), state).collect()["c"].to_list() == [1.0, 0.0, 1.0, None]


def test_a_logarithm_needs_numbers_above_zero() -> None:
    column = {"name": "b", "type": "integer", "steps": []}
    with pytest.raises(StepError, match=r"'y' has no logarithm where it is 0"):
        preparation.fit(ROWS.with_columns(y=pl.lit(0.0)).lazy(), params(column, transform="log"))


@pytest.mark.slow
def test_predictions_come_back_in_the_unit_of_the_target(tmp_path: Path) -> None:
    rows = [(i, math.exp(0.1 * i)) for i in range(100)]
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{x},{y:.6f}\n" for x, y in rows))
    (tmp_path / "project.yaml").write_text(
        "project: {name: grows}\n"
        "data:\n  sources: {rows: {path: rows.csv}}\n  columns: {target: y, transform: log}\n"
        "model: {candidates: {line: {type: ridge, alpha: 0}}, select: {metric: rmse_log}}\n"
        "tuning: {line: {trials: 2}}\n"
        "evaluation: {metrics: [rmse_log, mape, rmse]}\n"
    )
    done = api.run(tmp_path / "project.yaml")
    assert {score.metric: score.value for score in done.scores}["rmse_log"] < 0.01
    predicted = api.load_model(tmp_path / done.model if done.model else None).predict(pl.DataFrame({"x": [10, 50]}))
    assert predicted == pytest.approx([math.exp(1), math.exp(5)], rel=0.01)
