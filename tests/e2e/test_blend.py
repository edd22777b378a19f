"""A blend of candidates: taken where its gain is shown, and reported where it is not."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

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
    assert "no proven gain" not in done.stdout
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
def test_a_blend_of_equals_is_no_proven_gain(tmp_path: Path, mlspec: Mlspec) -> None:
    folder = written(tmp_path)
    twice = SPEC.replace("trees: {type: random_forest, trees: 40}", "other: {type: ridge, alpha: 1.1}")
    twice = twice.replace("  ensemble", "  cross_validation: {folds: 3}\n  ensemble")
    (folder / "project.yaml").write_text(twice.replace("rmse, at_most: 3", "rmse, at_most: 9"))
    done = mlspec("run", cwd=folder)
    assert ": no proven gain" in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert shown["selected"] in ("line", "other")
    assert "members" not in json.loads((folder / shown["model"] / "package.json").read_text())
