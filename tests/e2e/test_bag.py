"""A bag: the models of the folds answer together, and what chooses sees each row by models that did not see it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.engine.test_refit import stored

from mlspec import api
from mlspec.report import sentences
from mlspec.steps import results
from mlspec.steps.evaluation import gather
from mlspec.steps.job import Job
from mlspec.steps.serving import package

SPEC = """\
project: {name: bag, task: regression}
data:
  sources: {rows: {path: rows.parquet}}
  columns: {target: y}
  split: {by: random, validation: 0, test: 0.2, seed: 1}
model:
  candidates:
    line: {type: ridge}
    trees: {type: hist_gradient_boosting, max_iter: 60, learning_rate: 0.1, patience: 5}
  cross_validation: {folds: 3, repeats: 2}
  ensemble: greedy
  final: bag
evaluation: {importance: true}
backend: {engine: inline}
"""


def rows(count: int = 300) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    x = draw.uniform(-2, 2, (count, 3))
    y = 2 * x.sum(axis=1) + 1.5 * np.sign(x[:, 0] * x[:, 1]) + draw.normal(0, 0.3, count)
    return pl.DataFrame({**{f"x{number}": x[:, number] for number in range(3)}, "y": y})


@pytest.mark.slow
def test_the_models_of_all_folds_answer_together(tmp_path: Path) -> None:
    rows().write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "project.yaml").write_text(SPEC)
    done = api.run(tmp_path)
    assert not done.failures, done.failures
    assert done.selected == "blend"
    assert done.selected_on == "held-out rows of 3 folds, 2 times"
    assert sentences.final(done) == (
        "The mean of the models of 6 folds, each trained on all rows but the test rows and those of its fold"
    )
    steps = {step.id: step for step in done.steps}
    assert not {"train.line", "prepare.line", "refit"} & steps.keys()
    assert "train.trees.fold6" in steps
    assert all(score.n == 240 for candidate in done.candidates for score in candidate.scores)
    folder = stored(tmp_path, "select")["model"]
    about = json.loads((folder / "package.json").read_text())
    assert [one["candidate"] for one in about["members"]] == ["line"] * 6 + ["trees"] * 6
    assert sum(one["weight"] for one in about["members"]) == pytest.approx(1)
    # What is selected and blended by is made of models that did not see the row; what answers is made of all of them.
    split = stored(tmp_path, "split")
    known = pl.concat([pl.read_parquet(split[part]) for part in ("train", "validation")])
    truth, held = results.read_predictions(stored(tmp_path, "predict.trees")["predictions"])
    assert np.array_equal(truth, known["y"].to_numpy())
    answer = package.load(folder).predict(known)
    assert np.sqrt(np.mean((answer - truth) ** 2)) < 0.8 * np.sqrt(np.mean((held - truth) ** 2))
    importance = done.evaluation.importance
    assert importance is not None
    assert importance.rows == 80
    assert all(step.action == "cached" for step in api.run(tmp_path).steps)


def test_predictions_of_a_row_are_averaged_over_repetitions(tmp_path: Path) -> None:
    inputs = {}
    folds = {1: ([0, 2], [1.0, 2.0]), 2: ([1], [3.0]), 3: ([1, 2], [5.0, 4.0]), 4: ([0], [3.0])}
    for number, (places, predicted) in folds.items():
        inputs |= {f"{name}.{number}": tmp_path / f"{name}.{number}" for name in ("rows", "predictions")}
        pl.DataFrame({"__row__": places}).write_parquet(inputs[f"rows.{number}"])
        truth = np.asarray(places) * 10.0
        results.write_predictions(inputs[f"predictions.{number}"], np.asarray(predicted), truth)
    outputs = {"predictions": tmp_path / "all"}
    gather.run(Job(id="g", kind="gather", params={}, inputs=inputs, outputs=outputs, scratch=tmp_path, root=tmp_path))
    truth, prediction = results.read_predictions(outputs["predictions"])
    assert truth.tolist() == [0.0, 10.0, 20.0]
    assert prediction.tolist() == [2.0, 4.0, 3.0]
