"""Leaks that are found before training: they change the headline, the report and the card, and can end the run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec import api
from mlspec.report.terminal.run import terminal

SPEC = """\
project: {name: leaks}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: stratified}
model:
  checks: %s
  candidates: {one: {type: logistic_regression}, two: {type: hist_gradient_boosting, max_iter: 5}}
tuning: {two: {trials: 2, space: {max_iter: {choice: [3, 5]}}}}
constraints: {quality: [{metric: roc_auc, at_least: 0.6}]}
backend: {engine: inline}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw = np.random.Generator(np.random.PCG64(1))
    x = draw.normal(size=400)
    y = np.where(x + draw.normal(size=400) > 0, "yes", "no")
    pl.DataFrame(
        {"x": x.round(4), "z": draw.normal(size=400).round(4), "alive": np.char.add("is ", y), "y": y}
    ).write_csv(tmp_path / "rows.csv")
    return tmp_path


def write(folder: Path, checks: str) -> Path:
    (folder / "project.yaml").write_text(SPEC % checks)
    return folder


@pytest.mark.parametrize(
    ("checks", "waits"), [("warn", False), ("{leak: warn}", False), ("{leak: stop}", True), ("stop", True)]
)
def test_training_waits_for_what_may_end_the_run(checks: str, waits: bool, folder: Path) -> None:
    graph = api.compile(write(folder, checks)).plan.graph
    for kind in ("train", "tune"):
        mine = [step.id for step in graph.steps.values() if step.kind == kind]
        assert mine
        assert all(("check.data.validation" in graph.ancestors(step_id)) is waits for step_id in mine)
    assert graph.steps["check.data.test"].params["stops"] is False


@pytest.mark.slow
def test_a_leak_changes_the_headline_and_can_end_the_run(folder: Path) -> None:
    write(folder, "{leak: stop}")
    ended = api.run(folder)
    assert ended.outcome == "error"
    (failure,) = ended.failures
    assert failure.step == "check.data.validation"
    assert failure.cause.startswith("leak: 'alive' alone explains ")
    made = {step.kind for step in ended.steps if step.action == "ran"}
    assert made.isdisjoint({"train", "tune", "select"}), "nothing is trained"

    write(folder, "warn")
    found = api.run(folder)
    assert found.outcome == "passed", "the verdict stays"
    assert found.leaks == ("'alive' alone tells the target",)
    assert found.folder
    run = Path(found.folder)
    head = "The one constraint holds, but: 'alive' alone tells the target"
    assert head in (run / "summary.md").read_text()
    card = (run / "model" / "README.md").read_text()
    assert "- The results may be better than in use: 'alive' alone explains " in card
    assert json.loads((run / "facts.json").read_bytes())["leaks"] == list(found.leaks)
    page: Any = (run / "report.html").read_text()
    assert 'class="outcome unknown"' in page

    (folder / "project.yaml").write_text((SPEC % "stop").replace("model:", "model:\n  accept: {leak: It is known.}"))
    accepted = api.run(folder)
    assert (accepted.outcome, accepted.leaks) == ("passed", ())


@pytest.mark.slow
def test_test_rows_of_one_class_are_named_before_training_and_leave_metrics_unmeasured(tmp_path: Path) -> None:
    draw = np.random.Generator(np.random.PCG64(1))
    day = [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(200)]
    y = ["no" if i >= 100 else draw.choice(["yes", "no"]) for i in range(200)]
    pl.DataFrame({"x": draw.normal(size=200), "day": day, "y": y}).write_csv(tmp_path / "rows.csv")
    text = (SPEC % "warn").replace("{by: stratified}", "{by: time, column: day, test: 0.2, validation: 0.2}")
    one = text.replace(", two: {type: hist_gradient_boosting, max_iter: 5}", "").replace("tuning", "# tuning")
    (tmp_path / "project.yaml").write_text(one)
    found = api.run(tmp_path)
    assert [(check.step, check.measured) for check in found.checks if check.check == "classes"] == [
        (f"check.data.{part}", f"all 40 {part} rows have the target 'no'") for part in ("validation", "test")
    ]
    unmeasured = {entry.metric: entry.reason for entry in found.unmeasured}
    assert unmeasured["roc_auc"] == "all 40 rows have the same class"
    assert found.outcome == "unknown", "the constraint on it can't be decided"
    said = "roc_auc could not be measured on the test rows: all 40 rows have the same class"
    assert said in terminal(found)
    assert f"{said}." in (Path(found.folder) / "summary.md").read_text()

    (tmp_path / "project.yaml").write_text(text.replace("tuning", "# tuning"))
    two = api.run(tmp_path)
    assert (two.outcome, two.failures) == ("unknown", ())
    why = "'roc_auc' is not defined on the validation rows (all 40 rows have the same class)"
    assert f"selected by 'log_loss': {why}" in terminal(two)
