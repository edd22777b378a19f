"""The folder of a run on a Ray cluster, through which its nodes see that it lives."""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mlspec.engine import pool
from mlspec_backends._ray_node import NODES

ENDING = 3.0  # seconds that workers may take to end, where they can be reached


@contextlib.contextmanager
def session(parent: Path) -> Iterator[Path]:
    """A folder of this run's own; the file ``driver`` in it is locked while the run lives, ``nodes`` by what works for
    it, whose end is waited for. What killed runs have left is removed."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob("run-*"):
        if not pool.is_held(left / "driver"):
            shutil.rmtree(left, ignore_errors=True)
    # Under another name until it is locked, or another run might remove it.
    name = f"run-{secrets.token_hex(6)}"
    aside, root = parent / f".{name}", parent / name
    aside.mkdir(mode=0o700)
    handle = os.open(aside / "driver", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    workers = os.open(aside / NODES, os.O_RDWR | os.O_CREAT, 0o600)
    aside.rename(root)
    try:
        yield root
    finally:
        os.close(handle)
        until = time.monotonic() + ENDING
        while not _is_alone(workers) and time.monotonic() < until:
            time.sleep(0.02)
        os.close(workers)
        shutil.rmtree(root, ignore_errors=True)


def _is_alone(handle: int) -> bool:
    """Whether nobody else has a lock of this file."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
