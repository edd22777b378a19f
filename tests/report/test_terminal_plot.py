"""Plots in the terminal: as wide as asked, the same without colour, nothing in a name moves the cursor."""

import json
from pathlib import Path

import jsonschema
import pytest

from mlspec.plugins.verdict import Verdict
from mlspec.report.facts.run import Candidate, RunFacts, Score, Search, TrialFact
from mlspec.report.runs.series import encode, of_candidate, of_metric
from mlspec.report.terminal.plot import plot

SCHEMA = json.loads((Path(__file__).parents[2] / "schema/series.schema.json").read_text())
TRIALS = tuple(
    TrialFact(number=n, settings={"rate": 0.1}, state="complete" if n % 2 == 0 else "paused", score=0.7 + 0.02 * n)
    for n in range(6)
)
SEARCH = Search(metric="roc_auc", greater_is_better=True, sampler="tpe", pruner="asha", best=4, trials=TRIALS)


def run(name: str, value: float, model: str = "trees", metric: str = "roc_auc") -> RunFacts:
    curves = {"train loss": (0.9, 0.5, 0.3), "validation loss": (0.9, 0.6, 0.5)}
    return RunFacts(
        id=name,
        project="p",
        spec="project.yaml",
        started="2026-01-01T00:00:00Z",
        seconds=1.0,
        outcome="passed",
        gates=(Verdict(gate=f"gate.quality.{metric}", requirement="x", verdict="pass", threshold=0.5),),
        scores=(Score(metric=metric, value=value, low=value - 0.1, high=value + 0.1),),
        selected=model,
        candidates=(Candidate(name=model, model="torch.mlp", curves=curves, search=SEARCH),),
    )


def test_a_metric_over_the_runs_oldest_first_with_intervals_and_the_bound() -> None:
    series = of_metric("roc_auc", [run("2-b", 0.8), run("1-a", 0.7)])
    assert series is not None
    assert plot(series, 61) == (
        "roc_auc on the test rows, higher is better\n"
        "1-a  trees  ┊      ├──────●──────┤         0.70  [0.60, 0.80]\n"
        "2-b  trees  ┊             ├──────●──────┤  0.80  [0.70, 0.90]\n"
        "            0.50                     0.90\n"
        "┊ bound in the spec\n"
    )
    jsonschema.validate(json.loads(encode(series)), SCHEMA)


@pytest.mark.parametrize("width", [45, 80, 132, 400])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    metric, candidate = of_metric("roc_auc", [run("1", 0.8)]), of_candidate("trees", [run("1", 0.8)])
    assert metric is not None
    assert candidate is not None
    for series in (metric, candidate):
        assert all(len(line) <= width for line in plot(series, width).splitlines()[1:] if "best" not in line)


def test_a_candidate_shows_its_training_and_its_search() -> None:
    series = of_candidate("trees", [run("1", 0.8)])
    assert series is not None
    jsonschema.validate(json.loads(encode(series)), SCHEMA)
    told = plot(series, 60)
    assert "● train loss   ○ validation loss" in told
    assert "6 trials by tpe; the best is trial 5: roc_auc 0.78" in told
    assert "● trained to the end   ○ stopped early" in told
    assert "best settings: rate 0.1" in told
    first, last = [line for line in told.splitlines() if "┤" in line][:1], told.splitlines()
    assert first[0].startswith("0.90 ┤●")
    assert any(line.endswith("3 epoch") for line in last)
    assert "\x1b[36m●\x1b[0m" in plot(series, 60, color=True)


def test_hostile_names_stay_text() -> None:
    name = "x\x1b[31m\u202e\ny"
    for series in (of_metric(name, [run("1", 0.8, name, name)]), of_candidate(name, [run("1", 0.8, name, name)])):
        assert series is not None
        told = plot(series, 80)
        assert "\x1b" not in told
        assert "\u202e" not in told
        assert "\ny" not in told


def test_what_no_run_has_is_none() -> None:
    assert of_metric("mae", [run("1", 0.8)]) is None
    assert of_candidate("net", [run("1", 0.8)]) is None
