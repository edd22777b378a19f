"""One training over both nodes of a live SLURM cluster: what it gives, and what happens when a part of it dies."""

import json
import os
import socket
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.backends.slurm_cluster import Cluster, wait
from tests.backends.training import KINDS, WORK, train

from mlspec.cli import main
from mlspec.diagnostics import SpecError, render
from mlspec.document import parse
from mlspec.engine import events, handshake, peer
from mlspec.engine.backend import Setting
from mlspec.engine.pool import Terms
from mlspec.engine.run.run import run
from mlspec.graph.kinds import Kind
from mlspec.graph.step import Resources
from mlspec.machine import environment
from mlspec.testing.graphs import graph, step

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]

# Finds its other node gone, once.
GONE = """
import os
from mlspec.steps.job import LostError

def run(job):
    with (job.root / "jobs.txt").open("a") as file:
        file.write(os.environ["MLSPEC_PILOT"] + "\\n")
    if len((job.root / "jobs.txt").read_text().split()) == 1:
        raise LostError("its other node is gone")
    job.outputs["text"].write_text("done")
"""
LOST = "the node n"


def test_a_training_goes_on_where_a_killed_process_and_a_lost_node_have_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    code, alone, both = (tmp_path / name for name in ("code", "alone", "both"))
    for folder in (code, alone, both):
        folder.mkdir()
    (code / "held_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(code)
    one = train(alone, 1, engine="local").steps["train.net"]

    (both / "die").touch()
    ((failure),) = train(both, engine="slurm").failures
    assert failure.cause == "process 2 of 2 was killed by SIGKILL"
    assert cluster.processes("mlspec.engine.peer") == []
    (both / "die").unlink()
    (both / "hold").touch()

    def resume() -> None:
        cluster.revive_node("n2")
        (both / "hold").unlink()

    again = train(both, engine="slurm", when={"epoch 2 of 6": lambda: cluster.kill_node("n2"), LOST: resume})
    assert again.failures == ()
    assert again.steps["train.net"].outputs == one.outputs
    wait(lambda: cluster.processes("mlspec.engine.peer") == [], "no process of the training is left")
    # The other processes' outputs are thrown away, but both have trained, and not from the start.
    whole = int((alone / "calls.txt").read_text().split()[1])
    found = dict(line.split() for line in (both / "calls.txt").read_text().splitlines())
    assert found.keys() == {"n1", "n2"}
    assert all(int(calls) <= whole - 8 for calls in found.values())


def test_a_training_that_has_lost_a_node_is_done_again_by_another_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone_work.py").write_text(GONE)
    monkeypatch.syspath_prepend(tmp_path)
    said = []

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress):
            said.append(event.what)

    kinds = {"act": Kind(work="gone_work", version=1, outputs=("text",))}
    ran = run(
        graph(tmp_path, [step("one")], engine="slurm", run_timeout=60.0), kinds=kinds, lock=False, listener=listen
    )
    assert ran.status == "done"
    assert said[0] == "its other node is gone; the step is handed out again"
    assert len(set((tmp_path / "jobs.txt").read_text().split())) == 2


def test_a_network_is_the_same_from_two_nodes_as_from_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    (tmp_path / "birds.csv").write_text(
        "a,b,species\n" + "".join(f"{i % 17},{i % 23},{'xy'[i % 17 > i % 23]}\n" for i in range(200))
    )
    (tmp_path / "project.yaml").write_text(
        "project: {name: birds}\ndata: {sources: {birds: {path: birds.csv}}, columns: {target: species}}\n"
        "model: {checks: off, candidates: {mlp: {type: torch.mlp, epochs: 3, hidden: [16], batch_size: 32}}}\n"
        "backends: {two: {processes: 2}, far: {processes: 2, nodes: 2, engine: slurm}}\n"
    )
    monkeypatch.chdir(tmp_path)
    found = []
    for backend in ("two", "far"):
        assert main(["run", "--only", "train.mlp", "--backend", backend, *(["--force"] if found else [])]) == 0
        actions = (tmp_path / ".mlspec" / "store" / "actions").iterdir()
        last = max(actions, key=lambda path: path.stat().st_mtime_ns)
        found.append((last.name, json.loads(last.read_text().split("\n")[1])))
    (key, alone), (other, both) = found
    assert (key, alone["outputs"]) == (other, both["outputs"])
    assert alone["record"] != both["record"]
    assert "2 n[1-2]" in cluster.command("squeue", "-h", "-t", "all", "-o", "%D %N").splitlines()
    assert os.listdir(tmp_path / ".mlspec" / "slurm") == []


def test_a_node_that_is_not_like_the_others_says_so(tmp_path: Path) -> None:
    def said() -> str:
        done = subprocess.run(peer.command(tmp_path), input="", capture_output=True, text=True, check=True)
        return str(json.loads(done.stdout)["cause"])

    node = socket.gethostname()
    nowhere = f"the node {node} does not see the folder '{tmp_path}', which a training on several nodes needs"
    assert said() == nowhere
    setting = Setting(root=tmp_path, home=tmp_path, logs=tmp_path)
    terms = Terms(setting, {**handshake.own([]), "python": "2.7.18"})
    (tmp_path / "pool.json").write_bytes(msgspec.json.encode(terms, enc_hook=os.fspath))
    python = environment.python_version()
    assert said() == f"the node {node} has other versions than this machine: python {python} instead of 2.7.18"


def test_more_nodes_than_there_are_is_refused_before_anything_runs(tmp_path: Path) -> None:
    document = parse("backend:\n  engine: slurm\n  processes: 3\n  nodes: 3\n", "project.yaml")
    net = step("train.net", kind="train", outputs=("weights",), device="cpu", resources=Resources(3, nodes=3))
    made = graph(tmp_path, [net], document=document, engine="slurm", processes=3, nodes=3)
    with pytest.raises(SpecError) as caught:
        run(made, kinds=KINDS, lock=False)
    assert (
        render(caught.value.diagnostics, caught.value.texts)
        == """\
error[step-fits-no-node]: the step 'train.net' takes 3 nodes with 1 core each, and the cluster has 2 of them
 --> project.yaml:4:10
  |
4 |   nodes: 3
  |          ^
  = the cluster has nodes with 2 cores, 2.1 GB of memory, 1 GPU; 2 cores, 2.1 GB of memory, no GPUs
  = see: mlspec explain step-fits-no-node

1 error
"""
    )
