"""Backends by the command: planned anywhere, refused where they can't be served, told where memory or time runs out."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests import hardware

from mlspec.machine import accelerators

Mlspec = Callable[..., CompletedProcess[str]]
NO_GPU = hardware.needs(not accelerators.has_nvidia(), "there is a GPU")
NETS = """
import torch
from torch import nn

class Greedy(nn.Module):
    def __init__(self, inputs, outputs, room):
        super().__init__()
        self.room, self.layer = room, nn.Linear(inputs, outputs)

    def forward(self, rows):
        if self.training and len(rows) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return self.layer(rows)
"""
CANDIDATE = """\
    net:
      type: python
      code: "nets:Greedy"
      params: {room: 20}
      epochs: 2
      batch_size: 128
"""


@pytest.fixture
def network(penguins: Path) -> Path:
    """The penguins with one candidate: a network that does not fit with more than 20 rows."""
    spec = (penguins / "project.yaml").read_text()
    (penguins / "project.yaml").write_text(spec[: spec.index("    linear:")] + CANDIDATE)
    (penguins / "nets.py").write_text(NETS)
    return penguins


def place(folder: Path, line: str, value: str) -> str:
    """Where a value stands in the spec."""
    lines = (folder / "project.yaml").read_text().splitlines()
    number = next(index for index, text in enumerate(lines) if line in text)
    return f"project.yaml:{number + 1}:{lines[number].index(value) + 1}\n"


@NO_GPU
def test_a_gpu_is_planned_for_anywhere_and_refused_where_there_is_none(penguins: Path, mlspec: Mlspec) -> None:
    spec = (penguins / "project.yaml").read_text()
    (penguins / "project.yaml").write_text(spec + "    mlp: {type: torch.mlp}\nbackend: gpu\n")
    planned = mlspec("compile", "--format", "json", cwd=penguins)
    steps = {step["id"]: step for step in json.loads(planned.stdout)["steps"]}
    assert steps["train.mlp"]["params"]["device"] == "cuda"
    assert "warning[backend-not-servable]" in planned.stderr
    assert "error[" not in planned.stderr
    for arguments in (["run"], ["run", "--backend", "multi-gpu"]):
        done = mlspec(*arguments, cwd=penguins, code=2)
        assert "error[backend-not-servable]: backend device 'cuda' needs an NVIDIA GPU, but this machine has none" in (
            done.stderr
        )
    assert not (penguins / ".mlspec" / "runs").exists()


@pytest.mark.slow
def test_a_batch_that_does_not_fit_points_at_its_size(network: Path, mlspec: Mlspec) -> None:
    done = mlspec("run", cwd=network, code=3)
    assert (
        "error[step-failed]: step 'train.net' failed: out of memory with batches of 128 rows on cpu: batch_size: 16 "
        "would fit, and backend.on_out_of_memory: accumulate takes a batch in parts\n  --> "
        + place(network, "batch_size: 128", "128")
    ) in done.stderr
    again = mlspec("run", "--set", "backend.on_out_of_memory=accumulate", cwd=network, code=None)
    assert "train.net: done" in again.stderr
    assert "failed" not in again.stderr


@pytest.mark.slow
def test_a_step_that_takes_too_long_points_at_the_limit(network: Path, mlspec: Mlspec) -> None:
    text = NETS + "\n\nimport time\n\nwhile True:\n    time.sleep(0.1)\n"
    (network / "nets.py").write_text(text)
    spec = (network / "project.yaml").read_text().replace("model:\n", "model:\n  checks: off\n")
    (network / "project.yaml").write_text(spec + "backends:\n  short:\n    step_timeout: 8s\nbackend: short\n")
    done = mlspec("run", cwd=network, code=3)
    assert (
        "error[step-failed]: step 'train.net' failed: it took longer than backend.step_timeout allows (8 s)\n  --> "
        + place(network, "step_timeout: 8s", "8s")
    ) in done.stderr


@pytest.mark.slow
def test_two_processes_train_what_one_does(penguins: Path, mlspec: Mlspec) -> None:
    spec = (penguins / "project.yaml").read_text().replace("model:\n", "model:\n  checks: off\n")
    mlp = "    mlp: {type: torch.mlp, epochs: 2, hidden: [16], batch_size: 32}\n"
    (penguins / "project.yaml").write_text(spec[: spec.index("    linear:")] + mlp)
    losses = []
    for processes in ("1", "2"):
        mlspec("run", "--only", "train.mlp", "--set", f"backend.processes={processes}", cwd=penguins)
        history = max((penguins / ".mlspec" / "store" / "actions").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        outputs = json.loads(history.read_text().split("\n")[1])["outputs"]
        found = json.loads((penguins / ".mlspec" / "store" / "objects" / outputs["history"]).read_text())
        losses.append(found["train_loss"] + found["validation_loss"])
    assert losses[0] != losses[1]  # the second was trained, not found
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_a_shared_store_is_named_by_the_plan_and_used_by_the_run(penguins: Path, mlspec: Mlspec) -> None:
    arguments = ["--set", "backend.store=../shared"]
    told = "Shared store: ../shared; what it has of these steps is fetched, not computed"
    assert told in mlspec("compile", *arguments, cwd=penguins).stdout
    assert "train.linear: done" in mlspec("run", *arguments, cwd=penguins).stderr
    assert told not in mlspec("compile", *arguments, cwd=penguins).stdout
    (penguins / ".mlspec").rename(penguins.parent / "away")
    again = mlspec("run", *arguments, cwd=penguins)
    assert "train.linear: done" not in again.stderr
    assert "The one constraint holds" in again.stdout


@pytest.mark.cuda
@hardware.needs(accelerators.has_nvidia(), "there is no GPU")
@pytest.mark.parametrize("settings", [[], ["precision=bf16"], ["precision=tf32"], ["compile=true"]], ids=str)
def test_a_gpu_learns_what_a_cpu_does(penguins: Path, mlspec: Mlspec, settings: list[str]) -> None:
    spec = (penguins / "project.yaml").read_text()
    mlp = "    mlp: {type: torch.mlp, epochs: 20, hidden: [32]}\n"
    (penguins / "project.yaml").write_text(spec[: spec.index("    linear:")] + mlp)
    scores = []
    for backend in ("cpu", "gpu"):
        sets = [part for setting in settings for part in ("--set", f"backend.{setting}")] if backend == "gpu" else []
        mlspec("run", "--backend", backend, *sets, cwd=penguins, code=None)
        shown = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
        scores.append(next(score["value"] for score in shown["scores"] if score["metric"] == "log_loss"))
    assert scores[1] == pytest.approx(scores[0], rel=0.05)
