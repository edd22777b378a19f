"""A network that can't learn, and rows that stand on both sides of a split: shown, or the run ends before training."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
NETS = """\
import torch

class Net(torch.nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.body = torch.nn.Linear(inputs, 16)
        self.head = torch.nn.Linear(16, outputs)

    def forward(self, rows):
        return self.head(self.body(rows).relu().detach())
"""
SPEC = """\
project: {name: twice}
data:
  sources:
    birds: {path: data/train.csv, part: train}
    more: {path: data/test.csv, part: test}
  columns: {target: species}
  split: {by: given, seed: 7}
model:
  checks: warn
  candidates:
    mine: {type: python, code: "nets:Net", epochs: 2}
"""


@pytest.mark.slow
def test_what_keeps_a_network_from_learning_is_named(penguins: Path, mlspec: Mlspec) -> None:
    head, *rows = (penguins / "data" / "penguins.csv").read_text().splitlines()
    rows = [row for start in range(11) for row in rows[start::11]]
    (penguins / "data" / "train.csv").write_text("\n".join([head, *rows[:250]]) + "\n")
    (penguins / "data" / "test.csv").write_text("\n".join([head, *rows[220:]]) + "\n")
    (penguins / "nets.py").write_text(NETS)
    spec = penguins / "project.yaml"
    spec.write_text(SPEC)
    done = mlspec("run", cwd=penguins)
    assert (
        "warning: check.mine: gradients: 2 of 4 parameters get no gradient: 'body.weight', 'body.bias'" in done.stdout
    )
    assert "look for detach" in done.stdout
    assert "warning: check.data.test: duplicates: " in done.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    failing = [(check["step"], check["check"]) for check in shown["checks"] if check["fails"]]
    assert [check for step, check in failing if step == "check.data.test"] == ["duplicates"]
    # The most probable cause comes first: a network whose weights get no gradient cannot memorise either.
    assert next(check for step, check in failing if step == "check.mine") == "gradients"
    assert "Checks before training" in (penguins / shown["report"]).read_text()

    spec.write_text(SPEC.replace("checks: warn", "checks: stop"))
    done = mlspec("run", cwd=penguins, code=3)
    assert "step 'check.mine' failed: gradients: 2 of 4 parameters get no gradient" in done.stderr
    assert "train.mine" not in done.stderr

    spec.write_text(SPEC.replace("checks: warn", "checks: warn\n  accept: {gradients: known, 'one batch': known}"))
    accepted = mlspec("run", cwd=penguins)
    assert "gradients" not in accepted.stdout
    shown = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    assert {check["accepted"] for check in shown["checks"] if check["check"] == "gradients"} == {"known"}

    spec.write_text(SPEC.replace("checks: warn", "checks: stop"))
    (penguins / "nets.py").write_text(NETS.replace(".detach()", ""))
    assert "gradients" not in mlspec("run", cwd=penguins).stdout

    spec.write_text(SPEC.replace("checks: warn", "checks: off"))
    plan = mlspec("compile", cwd=penguins).stdout
    assert "check." not in plan


@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_the_training(penguins: Path, mlspec: Mlspec) -> None:
    text = NETS.replace("self.body(rows).relu().detach()", "self.body(rows).relu() * 1e30").replace(
        "return self.head", "return 1e30 * self.head"
    )
    (penguins / "nets.py").write_text(text)
    spec = penguins / "project.yaml"
    spec.write_text(
        "project: {name: nan}\ndata:\n  sources: {birds: {path: data/penguins.csv}}\n  columns: {target: species}\n"
        'model: {candidates: {mine: {type: python, code: "nets:Net", epochs: 2}}}\n'
    )
    done = mlspec("run", cwd=penguins, code=3)
    assert "the training loss is" in done.stderr
    assert "in epoch 1: lower learning_rate" in done.stderr
