"""A budget: planned before a run, stopped at, accounted for after it; deadlines, reviewers, infrastructure."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

Mlspec = Callable[..., CompletedProcess[str]]


def stated(folder: Path, **constraints: object) -> None:
    spec = yaml.safe_load((folder / "project.yaml").read_text())
    spec["constraints"] = constraints
    (folder / "project.yaml").write_text(yaml.safe_dump(spec))


@pytest.mark.slow
def test_a_budget_is_planned_and_accounted_for(penguins: Path, mlspec: Mlspec) -> None:
    money = {"at_most": 10, "cpu_hour": 3600, "unit": "EUR"}  # a second costs one
    stated(penguins, budget={"money": {**money, "at_most": 500}, "gpu_hours": 0, "wall_time": "10m"}, deadline="5m")
    assert "Budget: under 1 s of 10 min, 0 of 0 GPU hours, 0 of 500 EUR and " in mlspec("compile", cwd=penguins).stdout
    done = mlspec("run", cwd=penguins)
    assert "pass  cost at most 500 EUR" in done.stdout
    assert "pass  at most 0 GPU hours" in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    deadline = next(entry for entry in shown["requirements"] if entry["requirement"] == "deadline")
    assert "source.birds -> split -> prepare.linear -> train.linear -> " in deadline["evidence"]
    spent = next(gate for gate in shown["gates"] if gate["gate"] == "gate.budget.money")["value"]
    seconds = next(gate for gate in shown["gates"] if gate["gate"] == "gate.budget.wall_time")["value"]
    assert abs(spent - seconds) < 0.01

    # Known times make the plan certain: nothing is bought that can't be paid.
    stated(penguins, budget={"money": {**money, "at_most": 0}}, deadline="1us")
    planned = mlspec("compile", cwd=penguins).stdout
    assert "; the run would be stopped" in planned
    assert "; longer than the deadline, however many workers there are" in planned


@pytest.mark.slow
def test_a_run_stops_where_its_budget_is_spent_and_goes_on_with_a_greater_one(penguins: Path, mlspec: Mlspec) -> None:
    stated(penguins, budget={"money": {"at_most": 0.0001, "cpu_hour": 3600, "unit": "EUR"}})
    done = mlspec("run", cwd=penguins, code=3)
    assert "the budget is spent: " in done.stderr
    assert "of 0.0001 EUR" in done.stderr
    assert "project.yaml:" in done.stderr
    assert not (penguins / "mlspec.lock").exists()
    stated(penguins, budget={"money": {"at_most": 1000, "cpu_hour": 3600, "unit": "EUR"}})
    again = mlspec("run", cwd=penguins)
    assert "source.birds: done" not in again.stderr  # what was paid for is kept
    assert "All 1" in again.stdout or "The one constraint holds" in again.stdout


def test_reviewers_become_codeowners(penguins: Path, mlspec: Mlspec) -> None:
    subprocess.run(["git", "init", "-q", penguins.parent], check=True)
    stated(penguins, reviewers={"data": ["@org/data"], "constraints": ["@risk", "ann@example.org"]})
    assert mlspec("compile", "--format", "codeowners", cwd=penguins).stdout == (
        "# constraints: @risk ann@example.org\n"
        "# data: @org/data\n"
        "/penguins/project.yaml @risk ann@example.org @org/data\n"
    )


def test_a_machine_that_is_not_allowed_runs_nothing(penguins: Path, mlspec: Mlspec) -> None:
    stated(penguins, infrastructure={"machines": ["pdp11"]})
    mlspec("validate", cwd=penguins)
    done = mlspec("run", cwd=penguins, code=2)
    assert "error[infrastructure-not-allowed]: the machine is " in done.stderr
    assert not (penguins / ".mlspec").exists()
