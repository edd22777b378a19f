"""A blend of candidates: taken unless it is shown to be worse; the report says what it gains."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from mlspec.steps import results
from mlspec.steps.evaluation import blend
from mlspec.steps.job import Job

Mlspec = Callable[..., CompletedProcess[str]]
NAMES = [f"x{number}" for number in range(8)]
SPEC = """\
project: {name: both}
constraints: {quality: [{metric: rmse, at_most: 3}], size: {model: 20MB}, latency: {p95: 1s}}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: random, validation: 0.3, seed: 1}
model:
  candidates:
    line: {type: ridge}
    trees: {type: random_forest, trees: 40}
  ensemble: greedy
"""


def written(folder: Path) -> Path:
    """Many slopes, which trees can't draw, and an exclusive or, which a line can't."""
    random = np.random.default_rng(0)
    x = random.uniform(-2, 2, (2500, 8))
    y = x.sum(axis=1) + 1.5 * np.sign(x[:, 0] * x[:, 1]) + random.normal(0, 0.3, 2500)
    rows = "\n".join(",".join(f"{value:.4f}" for value in (*row, answer)) for row, answer in zip(x, y, strict=True))
    (folder / "rows.csv").write_text(f"{','.join(NAMES)},y\n{rows}\n")
    (folder / "project.yaml").write_text(SPEC)
    return folder


@pytest.mark.slow
def test_a_blend_that_gains_is_selected_and_travels_whole(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = written(tmp_path)
    done = mlspec("run", cwd=folder)
    assert "a blend of the candidates gains" in done.stdout
    assert re.search(r"\] in rmse over (line|trees): taken, it is not shown to be worse", done.stdout)
    assert "Fitted again on training and validation rows: 2,000 rows, line, trees 40 trees" in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert shown["selected"] == "blend"
    about = json.loads((folder / shown["model"] / "package.json").read_text())
    assert {member["candidate"] if isinstance(member, dict) else member[0] for member in about["members"]} == {
        "line", "trees"
    }  # fmt: skip
    test = {score["metric"]: score["value"] for score in shown["scores"]}
    alone = {one["name"]: {s["metric"]: s["value"] for s in one["scores"]} for one in shown["candidates"]}
    assert test["rmse"] < 1.1 * alone["blend"]["rmse"]
    assert alone["blend"]["rmse"] < min(alone["line"]["rmse"], alone["trees"]["rmse"])
    row = ",".join(["1"] * 8)
    (folder / "new.csv").write_text(f"{','.join(NAMES)}\n{row}\n{row.replace('1', '-1')}\n")
    answers = mlspec("predict", ".", "new.csv", cwd=folder).stdout.splitlines()
    assert 5 < float(answers[1]) < 11
    assert -9 < float(answers[2]) < -3
    assert mlspec("run", cwd=folder).stderr.startswith("nothing to do")


@pytest.mark.slow
def test_a_blend_of_one_candidate_is_not_taken(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = written(tmp_path)
    other = SPEC.replace("trees: {type: random_forest, trees: 40}", "other: {type: ridge, alpha: 1.0e+9}")
    other = other.replace("  ensemble", "  cross_validation: {folds: 3}\n  ensemble")
    (folder / "project.yaml").write_text(other.replace("rmse, at_most: 3", "rmse, at_most: 9"))
    done = mlspec("run", cwd=folder)
    assert ": not taken, all weight is on line" in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert shown["selected"] == "line"
    assert "members" not in json.loads((folder / shown["model"] / "package.json").read_text())


def test_a_blend_is_taken_unless_it_is_shown_to_be_worse(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    truth = draw.integers(0, 2, 400)

    def taken(metric: str, **given: "np.ndarray[Any, Any]") -> bool:
        folder = tmp_path / f"{metric}-{'-'.join(given)}"
        folder.mkdir()
        inputs = {f"{name}.validation": folder / name for name in given}
        for name, positive in given.items():
            results.write_predictions(folder / name, np.stack([1 - positive, positive], axis=1), truth)
        outputs = {name: folder / f"{name}.out" for name in ("weights", "predictions")}
        params = {"metric": [metric, {}], "confidence": {"level": 0.95, "resamples": 200}, "seed": 0}
        job = Job(id="blend", kind="blend", params=params, inputs=inputs, outputs=outputs, scratch=folder, root=folder)
        blend.run(job)
        found = results.read_json(outputs["weights"])
        assert sum(found["weights"].values()) == pytest.approx(1)
        return bool(found["taken"])

    noisy = [1 / (1 + np.exp(-(2 * truth - 1) - draw.normal(0, 1, 400))) for _ in range(2)]
    assert taken("log_loss", one=noisy[0], other=noisy[1])
    # Weights follow the log loss: what ranks best, with probabilities near a half, hardly counts.
    assert not taken("roc_auc", ranks=0.5 + 0.02 * (truth - 0.5), noisy=noisy[0])
