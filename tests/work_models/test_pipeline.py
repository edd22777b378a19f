"""From prepared rows to a package that predicts raw ones, step by step."""

import importlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.graph import uses
from mlspec.graph.kinds import KINDS
from mlspec.plugins.model import Model
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package, package_format

MODELS = {"linear": "logistic_regression", "trees": "hist_gradient_boosting"}
COLUMNS = [["age", "number"], ["job", "category"]]
TARGET, TASK = ["rich", "category"], "binary_classification"
SCORING = {
    "metrics": [["roc_auc", {}], ["accuracy", {}]],
    "task": TASK,
    "confidence": {"level": 0.95, "resamples": 200},
}


def table(n: int, seed: int) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    age, job = generator.uniform(18, 80, n), generator.choice(["cook", "judge", "poet"], n)
    rich = age / 30 + 2.0 * (job == "judge") + generator.normal(0, 0.5, n) > 2.2
    shown = [None if row % 29 == 0 else name for row, name in enumerate(job)]
    return pl.DataFrame(
        {"rich": np.where(rich, "yes", "no"), "age": age, "job": shown, "other": generator.normal(size=n)}
    )


def work(kind: str, folder: Path, params: dict[str, Any], inputs: dict[str, Path], *outputs: str) -> dict[str, Path]:
    folder.mkdir(parents=True)
    made = {name: folder / name for name in outputs}
    job = Job(
        id=kind, kind=kind, params=params, inputs=inputs, outputs=made, scratch=folder / "scratch", root=folder / "root"
    )
    importlib.import_module(KINDS[kind].work).run(job)
    assert all(path.exists() for path in made.values())
    return made


def candidate(folder: Path, name: str, split: dict[str, Path]) -> dict[str, Path]:
    cls = registry.plugin("models", MODELS[name])
    assert issubclass(cls, Model)
    use = [MODELS[name], msgspec.to_builtins(cls())]
    steps = {
        kind: uses.pairs(uses.steps(cls.preparation[group]))
        for kind, group in (("number", "numeric"), ("category", "category"))
    }
    columns = [{"name": column, "type": kind, "steps": steps[kind]} for column, kind in COLUMNS]
    params = {"columns": columns, "target": TARGET, "task": TASK, "positive": "yes"}
    fitted = {part: split[part] for part in ("train", "validation")}
    prepared = work("prepare", folder / f"prepare.{name}", params, fitted, "state", "train", "validation")
    trained = work(
        "train", folder / f"train.{name}", {"model": use, "seed": 0, "task": TASK}, prepared, "model", "history"
    )
    read = {"model": trained["model"], "state": prepared["state"], "validation": prepared["validation"]}
    predicted = work("predict", folder / f"predict.{name}", {"model": use, "task": TASK}, read, "predictions")
    scored = work("evaluate", folder / f"evaluate.{name}", SCORING, predicted, "metrics")
    return {f"metrics.{name}": scored["metrics"], f"model.{name}": trained["model"], f"state.{name}": prepared["state"]}


def selecting(names: list[str]) -> dict[str, Any]:
    return {
        "metric": ["roc_auc", {}],
        "candidates": {
            name: [MODELS[name], msgspec.to_builtins(registry.plugin("models", MODELS[name])())] for name in names
        },
        "columns": COLUMNS,
        "target": TARGET,
        "task": TASK,
        "positive": "yes",
    }


def select(folder: Path, inputs: dict[str, Path], names: list[str]) -> dict[str, Path]:
    chosen = {name: path for name, path in inputs.items() if name.partition(".")[2] in names}
    return work("select", folder, selecting(names), chosen, "selection", "model")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    split = {part: folder / f"{part}.parquet" for part in ("train", "validation", "test")}
    for seed, (part, path) in enumerate(split.items()):
        table(1500 if part == "train" else 400, seed).write_parquet(path)
    found = dict(split)
    for name in MODELS:
        found |= candidate(folder, name, split)
    found |= select(folder / "both", found, ["linear", "trees"])
    return found


def test_the_better_candidate_is_selected_and_the_package_knows_nothing_of_the_other(
    made: dict[str, Path], tmp_path: Path
) -> None:
    selection = results.read_json(made["selection"])
    best = selection["candidate"]
    other = next(name for name in MODELS if name != best)
    assert selection["scores"][best]["value"] >= selection["scores"][other]["value"]
    alone = select(tmp_path / "alone", made, [best])

    def contents(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert contents(alone["model"]) == contents(made["model"])


def test_ties_go_to_the_first_name_and_the_undefined_loses(made: dict[str, Path], tmp_path: Path) -> None:
    scores: dict[str, Any] = {"linear": 0.5, "trees": 0.5}
    inputs = dict(made)

    def run(folder: str) -> str:
        for name, value in scores.items():
            inputs[f"metrics.{name}"] = tmp_path / f"{folder}.{name}"
            found = {"value": value, "low": None, "high": None}
            results.write_json(inputs[f"metrics.{name}"], {"metrics": {"roc_auc": found}})
        return str(results.read_json(select(tmp_path / folder, inputs, ["trees", "linear"])["selection"])["candidate"])

    assert run("tie") == "linear"
    scores["linear"] = None
    assert run("undefined") == "trees"
    scores["trees"] = None
    with pytest.raises(StepError, match="'roc_auc' is not defined on the validation rows"):
        run("nothing")


def test_where_the_metric_has_no_value_another_decides_and_says_why(made: dict[str, Path], tmp_path: Path) -> None:
    inputs = dict(made)
    no_value = {"value": None, "low": None, "high": None, "reason": "all 40 rows have the same class"}
    for name, loss in (("linear", 0.4), ("trees", 0.2)):
        inputs[f"metrics.{name}"] = tmp_path / name
        others = {
            other: {"value": value, "low": None, "high": None} for other, value in (("f1", 1.0), ("log_loss", loss))
        }
        results.write_json(inputs[f"metrics.{name}"], {"metrics": {"roc_auc": no_value, **others}})
    found = results.read_json(select(tmp_path / "selected", inputs, ["trees", "linear"])["selection"])
    assert (found["candidate"], found["metric"]) == ("trees", "log_loss")
    assert found["reason"] == (
        "selected by 'log_loss': 'roc_auc' is not defined on the validation rows (all 40 rows have the same class)"
    )


def test_the_simplest_within_one_standard_error_of_the_best_is_selected_and_the_reason_told(
    made: dict[str, Path], tmp_path: Path
) -> None:
    def run(folder: str, behind: float, error: float | None) -> dict[str, Any]:
        differences = {
            "metric": "roc_auc",
            "best": "trees",
            "level": 0.95,
            "rows": 400,
            "candidates": {
                "linear": {"value": behind, "low": None, "high": None, "error": error},
                "trees": {"value": 0.0, "low": 0.0, "high": 0.0, "error": 0.0},
            },
        }
        results.write_json(tmp_path / f"{folder}.json", differences)
        params = selecting(["linear", "trees"]) | {"complexity": {"linear": 1, "trees": 2}}
        read = {name: path for name, path in made.items() if name.partition(".")[2] in MODELS}
        read["differences"] = tmp_path / f"{folder}.json"
        outputs = work("select", tmp_path / folder, params, read, "selection", "model")
        found: dict[str, Any] = results.read_json(outputs["selection"])
        assert package_format.read_about(outputs["model"]).candidate == found["candidate"]
        return found

    near = run("near", 0.004, 0.005)
    assert near["candidate"] == "linear"
    assert near["reason"] == (
        "linear is simpler than trees, the best by roc_auc, and only 0.004 worse: within one standard error of that "
        "difference (0.005, 400 validation rows)"
    )
    far = run("far", 0.006, 0.005)
    assert far["candidate"] == "trees"
    assert far["reason"] == "trees is best by roc_auc, and no simpler candidate is within one standard error of it"
    assert run("unknown", 0.001, None)["candidate"] == "trees", "a difference without an error is none to be waved away"


def test_the_test_rows_are_predicted_from_raw_columns_and_measured(made: dict[str, Path], tmp_path: Path) -> None:
    read = {"model": made["model"], "test": made["test"]}
    predicted = work("predict_test", tmp_path / "predict", {}, read, "predictions")
    truth, prediction = results.read_predictions(predicted["predictions"])
    assert truth.tolist() == [int(value == "yes") for value in pl.read_parquet(made["test"])["rich"]]
    assert prediction.shape == (400, 2)
    parts = {"train": made["train"], "test": made["test"]}
    params = {"baseline": "majority", "target": TARGET, "task": TASK, "positive": "yes"}
    baseline = work("baseline", tmp_path / "baseline", params, parts, "predictions")
    inputs = {**predicted, "baseline.majority": baseline["predictions"]}
    measured = results.read_json(work("evaluate_test", tmp_path / "evaluate", SCORING, inputs, "metrics")["metrics"])
    assert measured["rows"] == 400
    assert measured["metrics"]["roc_auc"]["value"] > 0.9
    assert measured["baselines"]["majority"]["roc_auc"] == 0.5
    assert measured["differences"]["majority"]["roc_auc"]["low"] > 0.3


def test_latency_is_measured_from_raw_rows_at_the_batch_asked_for(made: dict[str, Path], tmp_path: Path) -> None:
    read = {"model": made["model"], "test": made["test"]}
    found = results.read_json(work("latency", tmp_path / "latency", {"batch": 3}, read, "latency")["latency"])
    assert 0 < found["p50"] <= found["p95"] <= found["p99"]
    assert found["batch"] == 3
    assert found["n"] >= 60
    low, high = found["intervals"]["p50"]
    assert low <= found["p50"] <= high


def test_one_row_is_predicted_as_among_many_whatever_else_the_rows_hold(made: dict[str, Path]) -> None:
    loaded = package.load(made["model"])
    rows = pl.read_parquet(made["test"])
    together = loaded.predict(rows)
    for index in (0, 29, 301):
        alone = loaded.predict(rows.slice(index, 1).select("other", "job", "age"))
        np.testing.assert_allclose(alone[0], together[index], atol=1e-7)
    strange = pl.DataFrame({"age": ["41"], "job": ["astronaut"]})
    assert loaded.predict(strange).shape == (1, 2)
    assert loaded.about.classes == ("no", "yes")


def test_rows_that_do_not_fit_are_a_message_that_names_the_columns(made: dict[str, Path], tmp_path: Path) -> None:
    loaded = package.load(made["model"])
    with pytest.raises(StepError, match="the rows lack columns 'age', 'job' that the model uses"):
        loaded.predict(pl.DataFrame({"x": [1]}))
    with pytest.raises(StepError, match="column 'age' can't be read as number"):
        loaded.predict(pl.DataFrame({"age": ["old"], "job": ["cook"]}))
    with pytest.raises(StepError, match="is not a model exported by mlspec"):
        package.load(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(made["model"], broken)
    (broken / "package.json").write_text("{}")
    with pytest.raises(StepError, match="is not a model exported by mlspec"):
        package.load(broken)
    (broken / "package.json").write_bytes((made["model"] / "package.json").read_bytes())
    saved = next((broken / "model").glob("*.skops"))
    saved.write_bytes(saved.read_bytes()[:500])
    with pytest.raises(StepError, match=r"model/model.skops' is not the file that was exported"):
        package.load(broken)
