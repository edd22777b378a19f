"""Runs of small steps on the Ray cluster of the tests."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests import hardware
from tests.backends import runs

from mlspec.engine.run.run_record import Run
from mlspec.graph.step import Step


def go(root: Path, *steps: Step, **more: Any) -> Run:
    """Run steps on the cluster, as ``runs.go`` does."""
    return runs.go(root, *steps, engine="ray", **more)


def on(node: str) -> dict[str, float]:
    """Only that node has this resource."""
    return {node: 0.1}


def mounting() -> None:
    """Skip a test that mounts a file system where that is not possible."""
    probe = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /tmp"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        hardware.skip("no file system can be mounted here")
