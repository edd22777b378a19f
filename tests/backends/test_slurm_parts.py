"""Parts of a source on a live SLURM cluster: its nodes prepare them, and the results are those of this machine."""

import json
from pathlib import Path

import pytest
from tests.backends.slurm_cluster import Cluster
from tests.engine.test_parts import PARTS, rows, write

from mlspec.cli import main


@pytest.mark.slow
def test_nodes_prepare_parts_and_give_what_this_machine_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    locks, jobs = [], []
    for engine in ("local", "slurm"):
        how = {"sources": PARTS, "backend": f"backend: {{engine: {engine}}}"}
        monkeypatch.chdir(write(tmp_path / engine, rows(), (300, 400), **how).parent)
        assert main(["run"]) == 0
        steps = json.loads(Path("mlspec.lock").read_text())["steps"]
        locks.append({name: (step["fingerprint"], step["outputs"]) for name, step in steps.items()})
        jobs.append(len(cluster.command("squeue", "-h", "-r", "-t", "all", "-o", "%A").split()))
    assert jobs[1] > jobs[0]
    assert locks[0].keys() >= {"source.rows", "combine.rows", "split", "prepare.linear", "evaluate"}
    assert locks[0] == locks[1]
