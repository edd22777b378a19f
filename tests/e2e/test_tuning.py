"""Tuning through the whole command: what is found is used, nothing is searched twice, a kill loses no trial."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SPEC = """\
mlspec: 1
project: {name: tuned, task: binary_classification}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: stratified, validation: 0.2, seed: 1}
model:
  candidates:
    linear: {type: logistic_regression, C: 0.0001}
    net: {type: torch.mlp, hidden: [8], bins: 4, epochs: 9}
tuning:
  linear: {trials: 4, space: {C: {log: [0.0001, 100]}}}
  net: {trials: 12, parallel: %(parallel)d, space: {learning_rate: {log: [0.0001, 0.1]}, hidden: {choice: [[4], [16]]}}}
"""


def project(root: Path, parallel: int = 1) -> Path:
    draw = random.Random(0)
    lines = ["a,b,c,y"]
    for _row in range(300):
        a, b, c = draw.gauss(0, 1), draw.gauss(0, 1), draw.choice("uvw")
        lines.append(f"{a:.3f},{b:.3f},{c},{'yes' if a * b + (c == 'u') + draw.gauss(0, 0.3) > 0.3 else 'no'}")
    root.mkdir(parents=True, exist_ok=True)
    (root / "rows.csv").write_text("\n".join(lines) + "\n")
    spec = root / "project.yaml"
    spec.write_text(SPEC % {"parallel": parallel})
    return spec


def command(spec: Path, *more: str) -> list[str]:
    start = "import sys; from mlspec.cli import main; sys.exit(main())"
    return [sys.executable, "-c", start, "run", str(spec), "--format", "json", *more]


def finished(spec: Path, *more: str) -> list[str]:
    """The steps that were done."""
    done = subprocess.run(command(spec, *more), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [event["step"] for event in events if event.get("event") == "step_finished"]


def newest(spec: Path) -> Path:
    return max((spec.parent / ".mlspec" / "runs").iterdir())


def found(spec: Path) -> list[Any]:
    """The outputs of searches as the lock has them, with the metrics."""
    lock = json.loads((spec.parent / "mlspec.lock").read_text())
    return [lock["metrics"], {name: step["outputs"] for name, step in lock["steps"].items() if "tune" in name}]


def test_what_is_found_is_trained_and_searched_once(tmp_path: Path) -> None:
    spec = project(tmp_path)
    ran = finished(spec)
    assert {"tune.linear", "tune.net", "train.linear", "train.net"} <= set(ran)
    ran = finished(spec, "--set", "tuning.linear.trials=5")
    assert "tune.linear" in ran
    assert "tune.net" not in ran
    about = json.loads((newest(spec) / "model" / "package.json").read_text())
    if about["candidate"] == "linear":
        assert about["model"][1]["C"] != 0.0001


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 2])
def test_a_killed_search_ends_as_an_undisturbed_one(tmp_path: Path, parallel: int) -> None:
    whole = project(tmp_path / "whole", parallel)
    finished(whole)
    killed = project(tmp_path / "killed", parallel)
    for _kill in range(3 - parallel):
        process = subprocess.Popen(command(killed), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "step_progress" and event["step"] == "tune.net" and event["share"] > 0.2:
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
    finished(killed)
    assert found(killed) == found(whole)


@pytest.mark.slow
def test_trials_are_scored_fold_by_fold_and_money_ends_the_search(tmp_path: Path) -> None:
    spec = project(tmp_path)
    text = (
        SPEC[: SPEC.index("    net:")] + "  cross_validation: {folds: 8}\n  checks: off\n  select: {metric: log_loss}\n"
    )
    text += "tuning:\n  linear: {trials: 12, pruner: wilcoxon, sampler: random, space: {C: {log: [0.00001, 100]}}}\n"
    spec.write_text(text.replace("C: 0.0001", "C: 1.0").replace("checks: off", 'checks: "off"'))
    finished(spec)
    facts = json.loads((newest(spec) / "facts.json").read_text())
    search = facts["candidates"][0]["search"]
    states = [trial["state"] for trial in search["trials"]]
    assert states[0] == "complete"
    assert len(states) == 12
    assert "pruned" in states, "no trial of a far too strong penalty was ended"
    shown = {len(trial["scores"]) for trial in told(spec) if trial["state"] == "pruned"}
    assert shown <= set(range(4, 8))
    # A price so high that the money is spent by the first trial.
    priced = spec.read_text().replace("trials: 12,", "trials: 12, money: 0.001,")
    spec.write_text(priced + "constraints: {budget: {money: {at_most: 1.0e+9, cpu_hour: 1.0e+6, unit: EUR}}}\n")
    finished(spec)
    assert len(told(spec)) < 12


def told(spec: Path) -> list[Any]:
    """The trials of the last run's search, as its step wrote them."""
    facts = json.loads((newest(spec) / "facts.json").read_text())
    digest = next(step["outputs"]["trials"] for step in facts["steps"] if step["id"] == "tune.linear")
    return list(json.loads(next((spec.parent / ".mlspec" / "store").rglob(digest)).read_text())["trials"])
