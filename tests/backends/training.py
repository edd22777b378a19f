"""One training over both nodes of a cluster of the tests, and what is done to it meanwhile."""

from pathlib import Path
from typing import Any

from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.kinds import Kind
from mlspec.graph.step import Resources
from mlspec.testing.graphs import graph, step

# Stops, where the test says so, in the second epoch: until it is let go, or by killing itself.
WORK = """
import os, signal, time
import torch
from safetensors.torch import save_file
from mlspec.steps.training import distributed, member
from mlspec.torchkit import backbones, device, loop, outputs

def run(job):
    if not member.is_member():
        return distributed.together(job, __name__)
    own, calls = outputs.of_members(2), 0

    def loss(output, target):
        nonlocal calls
        calls += 1
        if calls == 9:
            if os.environ["RANK"] == "1" and (job.root / "die").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            while (job.root / "hold").exists():
                time.sleep(0.02)
        return own(output, target)

    with device.seeded(3, torch.device("cpu"), 1):
        inputs = torch.randn(300, 8)
        target = (inputs[:, 0] + inputs[:, 1] > 0).float()
        module = backbones.build({"kind": "mlp", "hidden": [16], "activation": "relu", "dropout": 0.3}, 8, 1)
        parts = [loop.Rows((inputs[rows],), target[rows]) for rows in (slice(0, 200), slice(200, 300))]
        settings = loop.Settings(epochs=6, batch_size=33, learning_rate=0.01, checkpoint_seconds=0.0)
        loop.train(module, *parts, loss, settings, seed=3, folder=job.scratch / "net", progress=job.progress)
    save_file(module.state_dict(), job.outputs["weights"])
    with (job.root / "calls.txt").open("a") as file:
        file.write(f"{os.environ.get('SLURMD_NODENAME') or os.environ.get('MLSPEC_NODE')} {calls}\\n")
"""
KINDS = {"train": Kind(work="held_work", version=1, outputs=("weights",))}


def train(root: Path, nodes: int = 2, *, when: dict[str, Any] | None = None, **backend: Any) -> Run:
    """Train on the cluster. ``when``: what to do, once, when progress begins with these words."""
    left = dict(when or {})

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress):
            for words in [words for words in left if event.what.startswith(words)]:
                left.pop(words)()

    net = step("train.net", kind="train", outputs=("weights",), device="cpu", resources=Resources(2, nodes=nodes))
    backend = {"processes": 2, "nodes": nodes, "run_timeout": 300.0, **backend}
    ran = run(graph(root, [net], **backend), kinds=KINDS, lock=False, listener=listen)
    assert left == {}
    return ran
