"""What goes wrong around jobs: nodes that are drained, slow or full, a shared store and a controller that go away."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tests import hardware
from tests.backends.runs import failures
from tests.backends.slurm_cluster import Cluster, wait
from tests.backends.slurm_runs import go, job

from mlspec.testing.graphs import step
from mlspec_backends import _slurm_commands as commands

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]
ROOM = 'mount -t tmpfs -o size=16k none "$PWD/../../store/tmp" && exec "$0" "$@"'


def test_a_node_that_is_drained_finishes_its_step_and_gets_no_other(tmp_path: Path, cluster: Cluster) -> None:
    drained: list[str] = []
    others: list[str] = []

    def drain() -> None:
        drained.append(job(cluster)[1])
        cluster.control("update", f"NodeName={drained[0]}", "State=DRAIN", "Reason=test")

    def see() -> None:
        others.append(job(cluster)[1])
        (tmp_path / "go").touch()

    try:
        ran = go(
            tmp_path,
            step("long", progress=True, wait_for="drained"),
            step("next", "long", progress="next", wait_for="go"),
            when={"epochs": drain, "the node n. is being drained": (tmp_path / "drained").touch, "next": see},
        )
        assert ran.status == "done"
        assert {*drained, *others} == {"n1", "n2"}
        assert (tmp_path / "ran.txt").read_text().split() == ["long", "next"]
    finally:
        cluster.control("update", f"NodeName={drained[0]}", "State=RESUME")
        wait(lambda: cluster.states()[drained[0]] == "idle", "the node is idle")
    assert go(tmp_path / "again", step("one"), options=(f"--nodelist={drained[0]}",)).status == "done"


def test_a_node_without_room_fails_its_step_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /tmp"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        hardware.skip("no file system can be mounted here")
    with monkeypatch.context() as changed:
        narrow = commands.SCRIPT.replace('exec "$@"', f"exec unshare -rm sh -c '{ROOM}' \"$@\"")
        changed.setattr(commands, "SCRIPT", narrow)
        large = step("large", constant="x" * 100_000)
        assert failures(go(tmp_path, large)) == [("large", "no space is left on the disk")]
    assert go(tmp_path, large).status == "done"


def test_a_shared_store_that_is_lost_costs_no_result(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()

    def lose() -> None:
        shutil.rmtree(tmp_path / "mounted")
        (tmp_path / "go").touch()

    ran = go(
        tmp_path,
        step("long", progress=True, wait_for="go"),
        step("next", "long"),
        store=str(tmp_path / "mounted" / "store"),
        when={"epochs": lose, "the shared store .*/mounted/store is not used: ": lambda: None},
    )
    assert (ran.status, ran.count("done")) == ("done", 2)


def test_a_node_that_is_slow_holds_up_its_own_step_alone(tmp_path: Path, cluster: Cluster) -> None:
    stopped: list[int] = []

    def stop() -> None:
        (pilot,) = [
            path.name.removeprefix("taken.")
            for path in tmp_path.glob(".mlspec/slurm/*/tasks/*/taken.*")
            if b'"slow"' in (path.parent / "task.json").read_bytes()
        ]
        mark = f"MLSPEC_PILOT={pilot}\0".encode()
        found = cluster.processes("mlspec.engine")
        stopped.extend(process for process in found if mark in Path(f"/proc/{process}/environ").read_bytes())
        assert stopped
        for process in stopped:
            os.kill(process, signal.SIGSTOP)

    def go_on() -> None:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
        (tmp_path / "go").touch()

    ran = go(
        tmp_path,
        step("slow", progress=True, wait_for="go"),
        *(step(f"s{index}") for index in range(4)),
        step("last", *(f"s{index}" for index in range(4)), progress="last", wait_for="go"),
        when={"epochs": stop, "last": go_on},
    )
    assert (ran.status, ran.count("done")) == ("done", 6)
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["last", "s0", "s1", "s2", "s3", "slow"]


def test_a_controller_that_is_away_for_a_while_costs_nothing(tmp_path: Path, cluster: Cluster) -> None:
    def come_back() -> None:
        cluster.begin_controller()
        wait(lambda: set(cluster.states().values()) in ({"idle"}, {"idle", "mix"}), "the controller knows its nodes")
        (tmp_path / "go").touch()

    ran = go(
        tmp_path,
        step("long", progress=True, wait_for="go"),
        step("next", "long"),
        when={"epochs": cluster.end_controller, "squeue: .*controller": come_back},
    )
    assert failures(ran) == []
    assert (tmp_path / "ran.txt").read_text().split() == ["long", "next"]
