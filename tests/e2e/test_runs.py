"""Runs side by side, a metric over runs, and the model card, with the installed command."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import yaml

Mlspec = Callable[..., CompletedProcess[str]]
HOSTILE = 'a"b: [x]\n---\n# <script>@team</script> | {y}'


def test_runs_are_compared_row_by_row(ran: Path, mlspec: Mlspec) -> None:
    mlspec("run", "--set", "model.candidates.linear.C=0.0001", cwd=ran, code=None)
    mlspec("run", "--set", "data.split.seed=8", cwd=ran, code=None)
    other, weak, first = (run["id"] for run in json.loads(mlspec("runs", "--format", "json", cwd=ran).stdout)["runs"])
    told = mlspec("runs", "--compare", first, weak, cwd=ran).stdout
    assert f"{first} -> {weak}" in told
    assert "worse (paired)" in told
    assert "gate.quality.balanced_accuracy: pass -> " in told
    assert "train.linear" in told
    found = json.loads(mlspec("runs", "--compare", weak, first, "--format", "json", cwd=ran).stdout)
    log_loss = next(entry for entry in found["metrics"] if entry["metric"] == "log_loss")
    assert log_loss["told"] == "better"
    assert 0 < log_loss["low"] < log_loss["gain"] < log_loss["high"]
    same = mlspec("runs", "--compare", first, first, cwd=ran).stdout
    assert "no step differs" in same
    assert "the same" in same
    assert (
        "other test rows: their metrics can't be compared" in mlspec("runs", "--compare", first, other, cwd=ran).stdout
    )
    assert "error[run-not-found]" in mlspec("runs", "--compare", "nothing", first, cwd=ran, code=2).stderr

    plotted = mlspec("show", "log_loss", cwd=ran).stdout.splitlines()
    assert len(plotted) == 5
    assert all("●" in line and "─" in line for line in plotted[1:4])
    assert [line.split()[0] for line in plotted[1:4]] == [run.partition("-")[0] for run in (first, weak, other)]
    assert "no run has measured 'rmse'" in mlspec("show", "rmse", cwd=ran, code=2).stderr


def test_the_model_card_says_what_was_measured(ran: Path, mlspec: Mlspec) -> None:
    card = mlspec("report", "--format", "card", cwd=ran).stdout
    _, front, body = card.split("---\n", 2)
    about = yaml.safe_load(front)
    assert about["pipeline_tag"] == "tabular-classification"
    results = about["model-index"][0]["results"][0]
    assert {metric["type"] for metric in results["metrics"]} == set(about["metrics"])
    assert "`logistic_regression`" in body
    assert "Reads 5 columns" in body or "Reads 6 columns" in body or "Reads 7 columns" in body
    shown = json.loads(mlspec("show", "--format", "json", cwd=ran).stdout)
    assert (ran / shown["model"] / "README.md").read_text().startswith("---\nlibrary_name: mlspec\n")


def test_no_name_breaks_the_front_matter(penguins: Path, mlspec: Mlspec) -> None:
    spec = penguins / "project.yaml"
    text = yaml.safe_load(spec.read_text())
    text["project"] |= {"goal": HOSTILE, "owners": [HOSTILE], "users": {"decision": HOSTILE}}
    spec.write_text(yaml.safe_dump(text))
    mlspec("run", cwd=penguins)
    card = mlspec("report", "--format", "card", cwd=penguins).stdout
    parts = card.split("\n---\n")
    assert len(parts) == 2
    yaml.safe_load(parts[0])
    assert "<script>" not in parts[1].replace("\\<script", "")
