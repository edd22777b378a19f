"""Trials of a tuning on the nodes of a live Ray cluster: placed, lost, ended, and the same as on one machine."""

import json
import os
import signal
from pathlib import Path

import pytest
from tests.backends.parts import began, go, ignore, text
from tests.backends.ray_cluster import Cluster
from tests.backends.slurm_cluster import wait
from tests.e2e.test_tuning import newest, project

from mlspec.cli import main
from mlspec.engine import events
from mlspec.engine.run import run_record
from mlspec.testing.graphs import step

pytestmark = pytest.mark.slow


def test_parts_run_on_all_nodes_and_go_on_elsewhere_when_one_is_lost(tmp_path: Path, ray: Cluster) -> None:
    names = ["part-0-0", "part-0-1"]
    search = step("search", kind="search", parallel=2, turns=2, wait=names)
    lost: dict[str, str] = {}

    def when(event: events.AnyEvent) -> None:
        if not isinstance(event, events.StepProgress):
            return
        assert event.step == "search"
        if not lost and len(began(tmp_path)) == 2:
            lost.update({name: process for name, node, process, _which in began(tmp_path) if node == "n2"})
            os.kill(ray.daemon("n2"), signal.SIGKILL)
        if event.what.endswith(": the node n2 was lost; the step is handed out again"):
            wait(lambda: not any(Path("/proc", process).exists() for process in lost.values()), "it has ended there")
            (tmp_path / "go").touch()

    try:
        ran = go(tmp_path, search, when=when, engine="ray")
    finally:
        ray.revive_node("n2")
    assert ran.status == "done"
    parts = began(tmp_path)
    assert {node for _name, node, _process, which in parts if which == "first"} == {"n1", "n2"}
    # What was on the lost node goes on with what it has left in the scratch folder, as does the next turn.
    again = [name for name, node, _process, which in parts if (node, which) == ("n1", "again")]
    assert sorted(again) == sorted([*lost, "part-1-0", "part-1-1"])
    assert len(parts) == 4 + len(lost)
    assert ran.steps["search"].record["nodes"] == {"n1": 4}
    here = tmp_path / "here"
    here.mkdir()
    assert ran.steps["search"].outputs == go(here, search, when=ignore, engine="local").steps["search"].outputs


def test_parts_of_a_step_that_is_killed_end_and_one_that_fails_is_named(tmp_path: Path, ray: Cluster) -> None:
    def when(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress) and len(began(tmp_path)) == 2:
            os.kill(int((tmp_path / "pid.txt").read_text()), signal.SIGKILL)
        if isinstance(event, events.StepFailed):
            mine = [process for _name, _node, process, _which in began(tmp_path)]
            wait(lambda: not any(Path("/proc", process).exists() for process in mine), "the parts have ended")

    killed = step("killed", kind="search", parallel=2, wait=["part-0-0", "part-0-1"])
    ran = go(tmp_path, killed, when=when, engine="ray")
    cause = "its process was killed by SIGKILL, as the system does when memory runs out"
    assert [failure.cause for failure in ran.failures] == [cause]
    failing = step("failing", kind="search", parallel=2, fails="part-0-1")
    ran = go(tmp_path, failing, when=ignore, engine="ray")
    assert [failure.cause for failure in ran.failures] == ["part-0-1: it fails"]
    assert ray.processes("mlspec.engine.worker") == []


@pytest.mark.usefixtures("ray")
def test_trials_on_nodes_are_those_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for engine in ("local", "ray"):
        # More trials at a time than any node has cores.
        spec = project(tmp_path / engine, parallel=3)
        monkeypatch.chdir(spec.parent)
        assert main(["run", "--only", "tune.net", "--backend", engine]) == 0
        done = run_record.read(newest(spec)).steps["tune.net"]
        found.append(done.outputs)
    assert found[0] == found[1]
    # Where one node is slow to start, the other may have done all of these short ones.
    assert set() < done.record["nodes"].keys() <= {"n1", "n2"}
    trials = json.loads(text(tmp_path / "ray", done.outputs["trials"]))["trials"]
    # Some were paused and went on, on whatever node; others were not worth it.
    assert {trial["epochs"] for trial in trials} >= {1, 9}
    assert any(len(trial["scores"]) > 1 for trial in trials[1:])
