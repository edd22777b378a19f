"""What was planned is what is done: over random edits of a real project, and an equal project elsewhere.

``MLSPEC_EDITS=100 pytest tests/e2e/test_plan_equals_run.py`` tries more edits than the few that every test run does.
"""

import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlspec import api

SPECS = Path(__file__).parents[2] / "specs"
EDITS = int(os.environ.get("MLSPEC_EDITS", "14"))
SPEC = """\
project: {name: birds, goal: "%(goal)s"}
constraints:
  quality:
    - {metric: accuracy, at_least: %(bound)s}
data:
  sources: {birds: {path: data/penguins.csv}}
  columns: {target: species, drop: %(drop)s}
  split: {by: %(by)s, seed: %(split_seed)s}
preprocessing:
  columns: {body_mass_g: [impute: %(impute)s, scale: standard]}
model:
  candidates:
    linear: {type: logistic_regression, C: %(c)s}
    more: {type: logistic_regression, C: %(c_more)s}
    net: {type: torch.mlp, epochs: 1, bins: 0, hidden: [4], dropout: %(dropout)s}
evaluation: {metrics: %(metrics)s, confidence: {resamples: %(resamples)s}}
backend: inline_engine
"""
CHOICES: dict[str, list[Any]] = {
    "goal": ["one", "two", "three"],
    "bound": [0.5, 0.8, 0.9],
    "drop": ["[]", "[year]", "[year, island]"],
    "by": ["stratified", "random"],
    "split_seed": [0, 1],
    "impute": ["median", "mean"],
    "c": [0.5, 1.0, 2],
    "c_more": [0.5, 1.0, 5],
    "dropout": [0.0, 0.1],
    "metrics": ["[accuracy, log_loss]", "[accuracy]", "[log_loss, accuracy]"],
    "resamples": [100, 200],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the data in it."""
    shutil.copytree(SPECS / "penguins" / "data", tmp_path / "birds" / "data")
    return tmp_path / "birds"


def write(folder: Path, values: dict[str, Any]) -> None:
    """The spec with these values."""
    (folder / "project.yaml").write_text((SPEC % values).replace("inline_engine", "{engine: inline}"))


def done(folder: Path) -> tuple[dict[str, str], set[str]]:
    """What was planned for each step, and which steps were then carried out."""
    compiled = api.compile(folder)
    planned = {step: p.action for step, p in compiled.plan.steps.items()}
    found = api.execute(compiled)
    assert not found.failures, found.failures
    return planned, {step.id for step in found.steps if step.action == "ran"}


@pytest.mark.slow
def test_executed_steps_are_the_planned_ones_over_random_edits(project: Path) -> None:
    chooser = random.Random(7)
    values = {key: options[0] for key, options in CHOICES.items()}
    for _edit in range(EDITS):
        write(project, values)
        planned, executed = done(project)
        certain = {step for step, action in planned.items() if action == "runs"}
        possible = certain | {step for step, action in planned.items() if action == "may run"}
        assert certain <= executed <= possible
        assert set(api.compile(project).plan.steps) == set(planned)
        assert not api.compile(project).plan.pending()
        key = chooser.choice(list(CHOICES))
        values[key] = chooser.choice([option for option in CHOICES[key] if option != values[key]])


@pytest.mark.slow
def test_what_an_edit_leaves_alone(project: Path) -> None:
    values = {key: options[0] for key, options in CHOICES.items()}
    write(project, values)
    done(project)
    write(project, {**values, "goal": "something else"})
    (project / "project.yaml").write_text("# a comment\n" + (project / "project.yaml").read_text())
    assert done(project)[1] == set()
    os.utime(project / "data" / "penguins.csv")
    assert done(project)[1] == set()
    write(project, {**values, "metrics": "[accuracy]"})
    assert not {step for step in done(project)[1] if step.startswith(("train", "prepare", "split", "source"))}
    write(project, {**values, "dropout": 0.3})
    assert {step for step in done(project)[1] if step.startswith(("train", "predict.", "prepare"))} == {
        "train.net",
        "predict.net",
    }
