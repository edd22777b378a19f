"""Trials of a tuning on the nodes of a live SLURM cluster: placed, lost, taken over, ended, and the same as on one
machine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.backends.parts import began, go, ignore, text
from tests.backends.slurm_cluster import Cluster, wait
from tests.e2e.test_tuning import finished, newest, project

from mlspec.engine import events
from mlspec.engine.run import run_record
from mlspec.testing.graphs import step

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


def test_parts_run_on_all_nodes_and_go_on_elsewhere_when_one_is_lost(tmp_path: Path, cluster: Cluster) -> None:
    names = [f"part-0-{number}" for number in range(4)]
    search = step("search", kind="search", parallel=4, turns=2, wait=names)
    lost: dict[str, str] = {}
    given_up: set[str] = set()

    def when(event: events.AnyEvent) -> None:
        if not isinstance(event, events.StepProgress):
            return
        assert event.step == "search"
        if not lost and len(began(tmp_path)) == 4:
            lost.update({name: process for name, node, process, _which in began(tmp_path) if node == "n1"})
            cluster.kill_node("n1")
        if event.what.endswith(": the node n1 was lost (NODE_FAIL); the step is handed out again"):
            given_up.add(event.what)
        if lost and len(given_up) == len(lost):
            # What was left of the jobs on the lost node is ended by their own pilots.
            wait(lambda: not any(Path("/proc", process).exists() for process in lost.values()), "they are gone")
            (tmp_path / "go").touch()

    try:
        ran = go(tmp_path, search, when=when, engine="slurm")
    finally:
        cluster.revive_node("n1")
    assert ran.status == "done"
    parts = began(tmp_path)
    assert {node for name, node, _process, which in parts if which == "first" and name in names} == {"n1", "n2"}
    # What was on the lost node goes on with what it has left in the scratch folder, as does the next turn.
    again = [name for name, node, _process, which in parts if (node, which) == ("n2", "again")]
    assert sorted(again) == sorted([*lost, *(f"part-1-{number}" for number in range(4))])
    assert len(parts) == 8 + len(lost)
    assert ran.steps["search"].record["nodes"] == {"n2": 8}
    here = tmp_path / "here"
    here.mkdir()
    assert ran.steps["search"].outputs == go(here, search, when=ignore, engine="local").steps["search"].outputs


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.backends.parts import began, go, ignore, text
from tests.backends.slurm_cluster import wait
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

root = Path(sys.argv[1])

def listen(event):
    if type(event).__name__ == "StepProgress":
        wait(lambda: len(list(root.glob(".mlspec/slurm/*/tasks/*/ending.json"))) == 2, "two parts have ended")
        os.kill(os.getpid(), signal.SIGKILL)

search = step("search", kind="search", parallel=3, wait=["part-0-1"])
run(graph(root, [search], engine="slurm"), listener=listen, kinds=KINDS, lock=False)
"""


def test_no_part_that_a_killed_run_began_is_done_twice(tmp_path: Path, cluster: Cluster) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60, cwd=root)
    assert killed.returncode == -signal.SIGKILL
    (tmp_path / "go").touch()
    ran = go(tmp_path, step("search", kind="search", parallel=3, wait=["part-0-1"]), when=ignore, engine="slurm")
    assert ran.status == "done"
    assert sorted(name for name, *_ in began(tmp_path)) == ["part-0-0", "part-0-1", "part-0-2"]
    assert text(tmp_path, ran.steps["search"].outputs["text"]) == "part-0-0,part-0-1,part-0-2"


def test_parts_of_a_step_that_is_killed_end_and_one_that_fails_is_named(tmp_path: Path, cluster: Cluster) -> None:
    killed = step("killed", kind="search", parallel=2, wait=["part-0-0", "part-0-1"])
    failing = step("failing", "aside", kind="search", parallel=2, fails="part-0-1")

    def when(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress) and len(began(tmp_path)) == 2:
            os.kill(int((tmp_path / "pid.txt").read_text()), signal.SIGKILL)
        if isinstance(event, events.StepFailed) and event.step == "killed":
            mine = [process for _name, _node, process, _which in began(tmp_path)]
            wait(lambda: not any(Path("/proc", process).exists() for process in mine), "the parts have ended")
            (tmp_path / "aside").touch()

    ran = go(tmp_path, killed, step("aside", wait_for="aside"), failing, when=when, engine="slurm")
    assert {failure.step: failure.cause for failure in ran.failures} == {
        "killed": "its process was killed by SIGKILL, as the system does when memory runs out",
        "failing": "part-0-1: it fails",
    }
    (log,) = [failure.log for failure in ran.failures if failure.step == "failing"]
    assert log is not None
    assert Path(log).read_text() == "its own words\n"


def test_trials_on_nodes_are_those_of_one_machine(tmp_path: Path) -> None:
    found = []
    for engine in ("local", "slurm"):
        spec = project(tmp_path / engine, parallel=3)
        finished(spec, "--only", "tune.net", "--backend", engine)
        done = run_record.read(newest(spec)).steps["tune.net"]
        found.append(done.outputs)
    assert found[0] == found[1]
    # Where one node is slow to start, the other may have done all of these short ones.
    assert set() < done.record["nodes"].keys() <= {"n1", "n2"}
    trials = json.loads(text(tmp_path / "slurm", done.outputs["trials"]))["trials"]
    # Some were paused and went on, on whatever node; others were not worth it.
    assert {trial["epochs"] for trial in trials} >= {1, 9}
    assert any(len(trial["scores"]) > 1 for trial in trials[1:])
