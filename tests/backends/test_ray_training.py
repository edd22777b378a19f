"""One training over both nodes of a live Ray cluster: what it gives, and what happens when a part of it dies."""

import os
import signal
from pathlib import Path

import pytest
from tests.backends.ray_cluster import Cluster
from tests.backends.slurm_cluster import wait
from tests.backends.training import KINDS, WORK, train

from mlspec.diagnostics import SpecError
from mlspec.engine.run.run import run
from mlspec.graph.step import Resources
from mlspec.testing.graphs import graph, step

pytestmark = pytest.mark.slow
MEMBER, WORKER = "mlspec.steps.training.member", "mlspec.engine.worker"


def test_a_training_goes_on_where_a_killed_process_of_rays_and_a_lost_node_have_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ray: Cluster
) -> None:
    alone, both = (tmp_path / name for name in ("alone", "both"))
    for folder in (alone, both):
        folder.mkdir()
    (ray.code / "held_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(ray.code)
    one = train(alone, 1, engine="local").steps["train.net"]
    (both / "hold").touch()

    def kill_relay() -> None:
        (process,) = ray.processes("ray::mlspec-nodes")
        os.kill(process, signal.SIGKILL)

    def kill_node() -> None:
        os.kill(ray.daemon("n2"), signal.SIGKILL)

    def resume() -> None:
        ray.revive_node("n2")
        (both / "hold").unlink()

    when = {
        "epoch 1 of 6": kill_relay,
        "process 2 of 2 is lost: the command that started it ended with exit code 1; the step is": lambda: None,
        "epoch 2 of 6": kill_node,
        "the node n2 was lost; the step is handed out again": resume,
    }
    ran = train(both, engine="ray", when=when)
    assert ran.failures == ()
    assert ran.steps["train.net"].outputs == one.outputs
    wait(lambda: ray.processes(MEMBER) + ray.processes(WORKER) == [], "no process of the training is left")
    # The other processes' outputs are thrown away, but both have trained, and not from the start.
    whole = int((alone / "calls.txt").read_text().split()[1])
    found = dict(line.split() for line in (both / "calls.txt").read_text().splitlines())
    assert found.keys() == {"n1", "n2"}
    assert all(int(calls) <= whole - 8 for calls in found.values())


@pytest.mark.usefixtures("ray")
def test_more_nodes_than_there_are_is_refused_before_anything_runs(tmp_path: Path) -> None:
    net = step("train.net", kind="train", outputs=("weights",), device="cpu", resources=Resources(3, nodes=3))
    with pytest.raises(SpecError, match="takes 3 nodes with 1 core each, and the cluster has 2 of them"):
        run(graph(tmp_path, [net], engine="ray", processes=3, nodes=3), kinds=KINDS, lock=False)
