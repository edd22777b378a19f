"""Baselines: rules of thumb and lots that predict, figures of people and of the accepted run that are stated."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.evaluation import baseline, evaluate_holdout, gate, previous
from mlspec.steps.job import Job

TASK = "binary_classification"
SCORING: dict[str, Any] = {
    "metrics": [["accuracy", {}], ["log_loss", {}]],
    "task": TASK,
    "confidence": {"level": 0.95, "resamples": 200},
}


def job(folder: Path, kind: str, params: dict[str, Any], inputs: dict[str, Path], output: str) -> Job:
    return Job(
        id=kind, kind=kind, params=params, inputs=inputs, outputs={output: folder / output}, scratch=folder, root=folder
    )


def rows(n: int, seed: int) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    years = generator.integers(5, 17, n)
    rich = generator.uniform(0, 1, n) < np.where(years > 12, 0.7, 0.1)
    return pl.DataFrame(
        {"rich": np.where(rich, "yes", "no"), "years": years, "town": generator.choice(["a", "b", "c"], n)}
    )


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Path]:
    found = {part: tmp_path / f"{part}.parquet" for part in ("train", "test")}
    for seed, (_part, path) in enumerate(found.items()):
        rows(2000, seed).write_parquet(path)
    return found


def predicted(folder: Path, parts: dict[str, Path], named: Any) -> Path:
    params = {"baseline": named, "target": ["rich", "category"], "task": TASK, "positive": "yes"}
    baseline.run(job(folder, "baseline", params, parts, "predictions"))
    return folder / "predictions"


def measured(folder: Path, model: Path, params: dict[str, Any] | None = None, **inputs: Path) -> dict[str, Any]:
    evaluate_holdout.run(
        job(folder, "evaluate_test", SCORING | (params or {}), {"predictions": model, **inputs}, "metrics")
    )
    found: dict[str, Any] = results.read_json(folder / "metrics")
    return found


def verdict(folder: Path, who: str, by: float = 0.0, metric: str = "accuracy") -> tuple[str, str]:
    params = {"of": "quality", "metric": metric, "beats": who, "by": by}
    gate.run(job(folder, "gate", params, {"metrics": folder / "metrics"}, "verdict"))
    found = results.read_json(folder / "verdict")
    return found["verdict"], found["reason"]


def rule(**settings: Any) -> list[Any]:
    return ["rule", {"column": "years", "above": None, "below": None, "equals": None, **settings}]


def test_a_rule_decides_as_it_says_and_its_probabilities_are_those_of_the_training_rows(
    parts: dict[str, Path], tmp_path: Path
) -> None:
    path = predicted(tmp_path, parts, rule(above=12))
    truth, prediction = results.read_predictions(path)
    test, train = pl.read_parquet(parts["test"]), pl.read_parquet(parts["train"])
    fires = (test["years"] > 12).to_numpy()
    decided = results.read_decided(path, 2)
    assert decided is not None
    assert decided[:, 1].astype(bool).tolist() == fires.tolist()
    share = (train.filter(pl.col("years") > 12)["rich"] == "yes").mean()
    assert prediction[fires, 1] == pytest.approx(np.full(fires.sum(), share))
    found = measured(tmp_path, path, **{"baseline.rule": path})
    assert found["baselines"]["rule"]["accuracy"] == pytest.approx((fires == (truth == 1)).mean())
    among = predicted(tmp_path, parts, rule(column="town", equals=["a", "c"]))
    towns = results.read_decided(among, 2)
    assert towns is not None
    assert towns[:, 1].astype(bool).tolist() == test["town"].is_in(["a", "c"]).to_list()
    with pytest.raises(StepError, match="compares 'town' with a number, but it holds String"):
        predicted(tmp_path, parts, rule(column="town", above=3))


def test_a_lot_has_the_shares_of_the_classes_and_is_drawn_alike_each_time(
    parts: dict[str, Path], tmp_path: Path
) -> None:
    first = results.read_decided(predicted(tmp_path, parts, ["random", {"seed": 3}]), 2)
    again = results.read_decided(predicted(tmp_path, parts, ["random", {"seed": 3}]), 2)
    share = (pl.read_parquet(parts["train"])["rich"] == "yes").mean()
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again)
    assert first[:, 1].mean() == pytest.approx(share, abs=0.03)


def test_a_human_figure_is_as_sure_as_the_cases_it_rests_on(parts: dict[str, Path], tmp_path: Path) -> None:
    model = predicted(tmp_path, parts, rule(above=12))
    accuracy = measured(tmp_path, model)["metrics"]["accuracy"]["value"]
    assert 0.75 < accuracy < 0.9

    def against(value: float, cases: int | None) -> tuple[str, str]:
        measured(tmp_path, model, {"human": {"metric": "accuracy", "value": value, "cases": cases}})
        return verdict(tmp_path, "human")

    assert against(0.6, 400)[0] == "pass"
    assert against(0.99, 400)[0] == "fail"
    assert against(0.75, 12)[0] == "unknown", "12 cases show little"
    assert against(0.6, None) == ("unknown", "the figure that people achieved is stated without the cases it rests on")
    assert verdict(tmp_path, "human", metric="log_loss")[0] == "unknown", "people were not measured by that"


def test_the_accepted_run_is_compared_on_the_same_test_rows_alone(parts: dict[str, Path], tmp_path: Path) -> None:
    model = predicted(tmp_path, parts, rule(above=12))

    def against() -> tuple[str, str]:
        read = {"test": parts["test"]}
        previous.run(job(tmp_path, "previous", {"lock": "accepted.lock"}, read, "figures"))
        measured(tmp_path, model, previous=tmp_path / "figures")
        return verdict(tmp_path, "previous")

    def accept(value: float, test: str) -> None:
        figures = {"value": value, "low": value - 0.01, "high": value + 0.01}
        lock = {"steps": {"split": {"fingerprint": "", "outputs": {"test": test}}}, "metrics": {"accuracy": figures}}
        (tmp_path / "accepted.lock").write_text(json.dumps(lock))

    same = hashlib.sha256(parts["test"].read_bytes()).hexdigest()
    assert against() == ("unknown", "there is no accepted run: no 'accepted.lock' next to the spec")
    accept(0.7, same)
    assert against()[0] == "pass"
    accept(0.95, same)
    assert against()[0] == "fail"
    accept(0.7, "0" * 64)
    assert against() == ("unknown", "the accepted run was measured on other test rows")
    (tmp_path / "accepted.lock").write_text("not a lock")
    assert against()[0] == "unknown"
