"""Runs of small steps on the cluster of the tests, and what is done to it meanwhile."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests import hardware
from tests.backends import runs
from tests.backends.slurm_cluster import Cluster

from mlspec.engine import apart
from mlspec.engine.run.run_record import Run
from mlspec.graph.step import Step

AWAY = "backends:\n  away: {engine: slurm, shared_folder: false, store: ../store}\n"
HIDDEN = 'mount -t tmpfs none "$0" && exec "$@"'


def hide(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide a folder from jobs that share none."""
    shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", HIDDEN, str(root)]
    if shutil.which("unshare") is None or subprocess.run([*shell, "true"], capture_output=True, check=False).returncode:
        hardware.skip("no file system can be mounted here")
    command = apart.command
    monkeypatch.setattr(apart, "command", lambda threads: [*shell, *command(threads)])


def go(root: Path, *steps: Step, **more: Any) -> Run:
    """Run steps on the cluster, as ``runs.go`` does."""
    return runs.go(root, *steps, engine="slurm", **more)


def job(cluster: Cluster) -> tuple[str, str]:
    """The only running job, and its node."""
    (line,) = cluster.command("squeue", "-h", "-r", "-t", "RUNNING", "-o", "%i %N").splitlines()
    name, node = line.split()
    return name, node


def submitted(cluster: Cluster) -> int:
    """How many jobs were ever submitted."""
    said = cluster.command("squeue", "-h", "-r", "-t", "all", "-o", "%A").split()
    return max(map(int, said), default=0)
