"""The pools of drivers that have died."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from mlspec.engine import pool
from mlspec.engine.backend import Task
from mlspec.engine.pool import Errand, Pool, Shape
from mlspec.machine import json_values

MADE = 60.0  # seconds that a driver takes at most to make a pool


def abandoned(parent: Path) -> Iterator[Pool]:
    """The pools of drivers that have died: now they are ours. Their errands are what pilots have in hand; what waited
    is withdrawn. Pools that were never finished are removed."""
    for aside in parent.glob(".mlspec-*"):
        with contextlib.suppress(OSError):
            if time.time() - aside.stat().st_mtime > MADE:
                shutil.rmtree(aside, ignore_errors=True)
    for root in sorted(parent.glob("mlspec-*")):
        handle = pool.locked(root)
        if handle is None:
            continue
        found = Pool(root, handle)
        found.stop()
        for folder in sorted((root / "tasks").glob("*")):
            _take_over(found, folder)
        yield found


def _take_over(own: Pool, folder: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        task = json_values.read(folder / "task.json", Task)
        for queue in sorted((own.root / "queue").glob("*")):
            with contextlib.suppress(FileNotFoundError):
                os.rename(queue / folder.name, folder / "withdrawn")
        names = os.listdir(folder)
        pilot = next((name[6:] for name in names if name.startswith("taken.")), None)
        if pilot is not None and "ending.json" not in names:
            own.errands[folder.name] = Errand(task, Shape(1, 0, 1), folder, pilot=pilot, began=time.monotonic())
