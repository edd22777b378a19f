"""The selected model fitted again on training and validation rows: what it is fitted on, and what stays."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from mlspec import api, paths
from mlspec.graph.kinds import KINDS
from mlspec.report.facts.run import RunFacts
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package
from mlspec.store.store import Store

SPEC = """\
project: {name: again, task: binary_classification}
data:
  sources: {rows: {path: rows.parquet}}
  columns: {target: y, id: row}
  split: {by: random, validation: 0.25, test: 0.2, seed: 1}
model: {checks: off, candidates: CANDIDATES}
evaluation: {baselines: [majority]}
backend: {engine: inline}
"""
OWN = """\
from sklearn.linear_model import LogisticRegression

class Mine(LogisticRegression):
    pass

class Again(LogisticRegression):
    refit = True
"""


def ran(folder: Path, candidates: str, more: str = "", *, split: str = "validation: 0.25") -> RunFacts:
    """A project that was run as far as the fit."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(3)
    x = draw.normal(size=(400, 3))
    y = np.where(x[:, 0] + np.sin(3 * x[:, 1]) + draw.normal(size=400) * 0.4 > 0, "yes", "no")
    pl.DataFrame({**{f"x{i}": x[:, i] for i in range(3)}, "row": range(400), "y": y}).write_parquet(
        folder / "rows.parquet"
    )
    (folder / "own.py").write_text(OWN)
    (folder / "project.yaml").write_text(
        SPEC.replace("CANDIDATES", candidates + more).replace("validation: 0.25", split)
    )
    done = api.run(folder, only=("refit",))
    assert not done.failures, done.failures
    return done


def stored(folder: Path, step: str) -> dict[str, Path]:
    """The files that a step gave."""
    found = api.compile(folder).plan.steps[step].outputs
    assert found is not None
    store = Store(paths.store(paths.home(folder)))
    return {name: store.path(digest) for name, digest in found.items()}


def test_the_winner_is_fitted_on_training_and_validation_rows_with_the_trees_found(tmp_path: Path) -> None:
    import lightgbm

    plain = "num_leaves: 31, min_data_in_leaf: 20, feature_fraction: 1, bagging_fraction: 1, lambda_l2: 0"
    done = ran(tmp_path / "a", f"{{boost: {{type: lightgbm, trees: 300, learning_rate: 0.2, patience: 5, {plain}}}}}")
    assert done.final is not None
    assert (done.final.train_rows, done.final.validation_rows, done.final.reason) == (220, 100, None)
    trees = done.final.members[0].rounds
    assert trees is not None
    assert 1 < trees < 100
    split, model = stored(tmp_path / "a", "split"), stored(tmp_path / "a", "refit")["model"]
    rows = pl.concat([pl.read_parquet(split[part]) for part in ("train", "validation")])
    test = pl.read_parquet(split["test"])
    settings = {"objective": "binary", "learning_rate": 0.2, "num_leaves": 31, "min_data_in_leaf": 20, "verbosity": -1,
                "deterministic": True, "force_row_wise": True, "num_threads": 1, "seed": 0}  # fmt: skip
    names = ["x0", "x1", "x2"]
    data = lightgbm.Dataset(rows[names].to_numpy().astype(np.float32), (rows["y"] == "yes").to_numpy().astype(int))
    expected = lightgbm.train(settings, data, num_boost_round=trees).predict(test[names].to_numpy().astype(np.float32))
    assert np.array_equal(package.load(model).predict(test)[:, 1], expected)


@pytest.mark.slow
def test_what_cannot_be_fitted_again_stays_as_it_is_and_says_so(tmp_path: Path) -> None:
    """A class of one's own is fitted again where it says that it may be."""
    mine = ran(tmp_path / "mine", "{mine: {type: python, code: 'own:Mine'}}").final
    assert mine is not None
    assert mine.reason == "'mine' does not support it"
    steps = [stored(tmp_path / "mine", step)["model"] for step in ("select", "refit")]
    assert (steps[0] / "package.json").read_bytes() == (steps[1] / "package.json").read_bytes()
    again = ran(tmp_path / "again", "{mine: {type: python, code: 'own:Again'}}").final
    assert again is not None
    assert [one.candidate for one in again.members] == ["mine"]
    assert "refit" not in api.compile(tmp_path / "again", sets=["model.final=split"]).plan.steps


@pytest.mark.slow
def test_a_member_stays_as_it_is_where_its_training_took_longer_than_there_is_time(tmp_path: Path) -> None:
    candidates = "{line: {type: logistic_regression}, trees: {type: random_forest, trees: 9}}"
    ran(tmp_path, candidates, ", ensemble: greedy")
    step = api.compile(tmp_path).plan.graph.steps["refit"]
    inputs = {name: stored(tmp_path, read.step)[read.output] for name, read in step.inputs.items()}
    members = json.loads((inputs["model"] / "package.json").read_text())["members"]
    assert [one["candidate"] for one in members] == ["line", "trees"]
    took = {"train.line": {"seconds": 2.0}, "train.trees": {"seconds": 6.0}}

    def again(seconds: float) -> tuple[dict[str, Any], list[bool]]:
        """What is said, and whether each member's model is the one that was trained."""
        outputs = {name: tmp_path / str(seconds) / name for name in step.outputs}
        job = Job(id="refit", kind="refit", params=step.params, inputs=inputs, outputs=outputs, root=tmp_path,
                  scratch=tmp_path / f"scratch-{seconds}", records=took, seconds=seconds)  # fmt: skip
        job.scratch.mkdir()
        importlib.import_module("mlspec.steps.training.refit").run(job)
        models = [
            [folder / f"members/{n}/model/model.skops" for n in (0, 1)]
            for folder in (inputs["model"], outputs["model"])
        ]
        same = [one.read_bytes() == other.read_bytes() for one, other in zip(*models, strict=True)]
        return results.read_json(outputs["report"]), same

    said, same = again(5.0)
    assert (said["reason"], said["no_time"], same) == (None, ["trees"], [False, True])
    said, same = again(1.0)
    assert (said["reason"], same) == ("it would take about 12 s, and 1 s of model.time are left", [True, True])


@pytest.mark.slow
def test_with_folds_the_number_of_rounds_is_the_median_of_theirs(tmp_path: Path) -> None:
    boost = "{boost: {type: lightgbm, trees: 300, learning_rate: 0.2, patience: 5}}"
    (tmp_path / "a").mkdir()
    done = ran(tmp_path / "a", boost, ", cross_validation: {folds: 3}", split="validation: 0.2")
    assert done.final is not None
    trees = [
        results.read_json(stored(tmp_path / "a", f"train.boost.fold{n}")["history"])["iterations"] for n in (1, 2, 3)
    ]
    assert len(set(trees)) > 1
    assert done.final.members[0].rounds == sorted(trees)[1]
    without = ran(tmp_path / "b", boost, ", cross_validation: {folds: 3}", split="validation: 0").final
    assert without is not None
    assert (without.train_rows, without.validation_rows) == (320, 0)


@pytest.mark.slow
def test_a_fit_that_was_killed_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    two = (
        "{boost: {type: lightgbm, trees: 5}, net: {type: torch.mlp, epochs: 20, learning_rate: 0.01}}, ensemble: greedy"
    )
    ran(tmp_path / "a", two)
    graph = api.compile(tmp_path / "a").plan.graph
    step = graph.steps["refit"]
    inputs = {name: stored(tmp_path / "a", read.step)[read.output] for name, read in step.inputs.items()}
    about = msgspec.json.decode((inputs["model"] / "package.json").read_bytes())
    members = [one["candidate"] if isinstance(one, dict) else one[0] for one in about["members"] or ()]
    assert members == ["boost", "net"]

    def fit(name: str, progress: Callable[[str, float, dict[str, float]], None]) -> dict[str, Path]:
        scratch = tmp_path / name / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        outputs = {one: tmp_path / name / one for one in step.outputs}
        job = Job(id="refit", kind="refit", params=step.params, inputs=inputs, outputs=outputs, scratch=scratch,
                  root=tmp_path / "a", progress=progress)  # fmt: skip
        importlib.import_module(KINDS["refit"].work).run(job)
        return outputs

    seen: list[str] = []

    def killed(what: str, _share: float, _figures: dict[str, float]) -> None:
        if what.startswith("net"):
            raise KeyboardInterrupt

    def heard(what: str, _share: float, _figures: dict[str, float]) -> None:
        seen.append(what.partition(":")[0])

    with pytest.raises(KeyboardInterrupt):
        fit("one", killed)
    whole, rest = stored(tmp_path / "a", "refit"), fit("one", heard)
    assert set(seen) == {"net"}
    assert contents(rest["model"]) == contents(whole["model"])
    assert results.read_json(rest["report"]) == results.read_json(whole["report"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_it_is_left_out_where_the_time_of_the_spec_would_not_do(tmp_path: Path) -> None:
    ran(tmp_path / "a", "{boost: {type: lightgbm, trees: 30}}", ", time: 1h")
    plan = api.compile(tmp_path / "a").plan
    step = plan.graph.steps["refit"]
    inputs = {name: stored(tmp_path / "a", read.step)[read.output] for name, read in step.inputs.items()}
    records = {"train.boost": {"seconds": 5.5}, "train.other": {"seconds": 99.0}}
    for seconds, reason in ((5.0, "it would take about 8 s, and 5 s of model.time are left"), (9.0, None)):
        scratch = tmp_path / f"{seconds}"
        scratch.mkdir()
        outputs = {one: scratch / one for one in step.outputs}
        job = Job(id="refit", kind="refit", params=step.params, inputs=inputs, outputs=outputs, scratch=scratch,
                  root=tmp_path / "a", seconds=seconds, records=records)  # fmt: skip
        importlib.import_module(KINDS["refit"].work).run(job)
        report = results.read_json(outputs["report"])
        assert (report["reason"], bool(report["members"])) == (reason, reason is None)
        fitted, before = ((one / "model" / "model.txt").read_bytes() for one in (outputs["model"], inputs["model"]))
        assert (fitted == before) == (reason is not None)
