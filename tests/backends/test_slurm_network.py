"""A node that the network does not reach for 30 s in the middle of a step."""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import hardware
from tests.backends.slurm_cluster import Cluster, lacking, wait
from tests.backends.slurm_runs import go

from mlspec.testing.graphs import step

SECONDS = 30.0
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", name="cluster")
def cluster_with_a_link() -> Iterator[Cluster]:
    """Two nodes, the second one in a network namespace."""
    name = f"mlspec{os.getpid() % 100_000}"
    if lacking() or subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        hardware.skip("SLURM is not installed, or no network namespace can be made here")
    subprocess.run(["ip", "netns", "del", name], check=True)
    folder = Path(tempfile.mkdtemp(prefix="mlspec-slurm-"))
    cluster = Cluster(folder, link=name)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("shared", "ends"), [(True, "after"), (False, "while cut")], ids=["shared folder", "no shared folder"]
)
def test_a_cut_of_the_network_costs_no_result_and_makes_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, shared: bool, ends: str
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(cluster.config))
    go_on = tmp_path / "go-on"

    def heal() -> None:
        cluster.cut(whole=True)
        go_on.touch()

    def cut() -> None:
        cluster.cut()
        if ends == "while cut":
            go_on.touch()
        threading.Timer(SECONDS, heal).start()

    root = tmp_path / "project"
    root.mkdir()
    away = {} if shared else {"shared_folder": False, "store": str(tmp_path / "store")}
    steps = (step("long", progress=True, wait_for=str(go_on)), step("next", "long"))
    ran = go(root, *steps, when={"epochs": cut}, options=("--nodelist=n2",), run_timeout=180.0, **away)
    assert ran.count("done") == 2, ran.failures
    if shared:
        assert (root / "ran.txt").read_text().split() == ["long", "next"]
    wait(lambda: cluster.processes("mlspec.engine") == [], "no process of a job is left")
