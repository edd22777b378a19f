"""Nodes that see nothing of this machine's folders but a shared store."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backends.runs import failures
from tests.backends.slurm_cluster import Cluster, wait
from tests.backends.slurm_runs import AWAY, go, hide, job

from mlspec.cli import main
from mlspec.diagnostics import SpecError
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

PENGUINS = Path(__file__).parents[2] / "specs" / "penguins"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


@pytest.fixture(name="root")
def hidden_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that jobs do not see."""
    root = tmp_path / "project"
    root.mkdir()
    hide(root, monkeypatch)
    return root


def test_the_doctor_asks_whether_nodes_reach_the_store(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    spec = PENGUINS.joinpath("project.yaml").read_text()
    Path("project.yaml").write_text(spec + AWAY)
    main(["doctor", "--backend", "away", "--format", "json"])
    found = {entry["what"]: (entry["state"], entry["text"]) for entry in json.loads(capsys.readouterr().out)}
    seen = ("ok", "reaches the shared store, has the same versions")
    assert (found["node n1"], found["node n2"]) == (seen, seen)


def test_steps_fail_alone_and_what_they_print_is_here(root: Path, cluster: Cluster) -> None:
    ran = go(
        root,
        step("first", print="from afar"),
        step("wrong", "first", error="it is wrong"),
        step("dead", "first", kill=True),
        step("folder", "first", outputs=("text", "folder")),
        step("after", "folder", "folder:folder"),
        shared_folder=False,
        store=str(root.parent / "store"),
    )
    assert sorted(failures(ran)) == [
        ("dead", "its process was killed by SIGKILL, as the system does when memory runs out"),
        ("wrong", "ValueError: it is wrong"),
    ]
    assert ran.count("done") == 3
    assert not (root / "ran.txt").exists()
    logs = {path.name: path.read_text() for path in (root / ".mlspec").rglob("*.log")}
    assert "from afar" in logs["first.log"]
    assert "ValueError: it is wrong" in logs["wrong.log"]
    wait(lambda: cluster.processes("mlspec.engine") == [], "no process of a job is left")


def test_what_does_not_use_the_shared_store_is_refused(root: Path) -> None:
    made = graph(root, [step("a")], engine="slurm", shared_folder=False, store="../s")
    with pytest.raises(SpecError, match="nodes without a shared folder get inputs through the shared store, and this"):
        run(made, kinds=KINDS, lock=False, share=False)


def test_a_node_that_does_not_reach_the_store_says_so(root: Path) -> None:
    (root / "inside").mkdir()
    ran = go(root, step("a"), shared_folder=False, store=str(root / "inside" / "store"))
    ((name, cause),) = failures(ran)
    assert name == "a"
    assert re.fullmatch(
        r"on the node n., the shared store .*/inside/store is not used: there is no folder '.*/inside'; "
        "no other node could be used",
        cause,
    )


def test_a_step_whose_node_is_lost_begins_again(root: Path, cluster: Cluster) -> None:
    lost: list[str] = []

    def lose() -> None:
        lost.append(job(cluster)[1])
        cluster.kill_node(lost[0])

    try:
        ran = go(
            root,
            step("long", progress=True, seconds=5),
            step("next", "long"),
            shared_folder=False,
            store=str(root.parent / "store"),
            when={"epochs": lose, r"the node n. was lost .NODE_FAIL.; the step begins again": lambda: None},
        )
        assert (ran.status, ran.count("done")) == ("done", 2)
    finally:
        cluster.revive_node(lost[0])


KILLED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

def listen(event):
    if type(event).__name__ == "StepProgress":
        os.kill(os.getpid(), signal.SIGKILL)

steps = [step("a", progress=True, **{sys.argv[2]: 3})]
made = graph(Path(sys.argv[1]), steps, engine="slurm", shared_folder=False, store="../s")
run(made, listener=listen, kinds=KINDS, lock=False)
"""


def kill(root: Path, param: str) -> None:
    """A run that is killed while a node does its step, which takes 3 seconds or waits for a file named 3."""
    killed = subprocess.run([sys.executable, "-P", "-c", KILLED, str(root), param], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL


def test_what_a_killed_run_had_in_hand_is_finished_and_found(root: Path, cluster: Cluster) -> None:
    kill(root, "seconds")
    wait(lambda: cluster.jobs() == {}, "its job has ended")
    ran = go(root, step("a", progress=True, seconds=3), shared_folder=False, store="../s")
    assert (ran.status, ran.count("cached")) == ("done", 1)


def test_what_a_killed_run_still_does_is_ended_by_the_next(root: Path, cluster: Cluster) -> None:
    kill(root, "wait_for")
    assert go(root, step("b"), shared_folder=False, store="../s").status == "done"
    assert cluster.jobs() == {}
    wait(lambda: cluster.processes("mlspec.engine") == [], "no process of a job is left")
    assert os.listdir(root / ".mlspec" / "slurm") == []
