"""How many threads the data engine gets for a step that treats each row alone.

Its results are the same bytes on any number of them; the time is not. Threads cost memory, and a process that has begun
with one can't take more, so small tables get one.
"""

import contextlib
import os

from mlspec.engine.backend import Setting, Task
from mlspec.machine import resources
from mlspec.store.store import Store

LARGE = 64 * 1024 * 1024  # bytes read, compressed
EACH = 256 * 1024 * 1024  # bytes of memory that a thread may come to hold
MOST = 8


def wanted(task: Task, store: Store, setting: Setting) -> int:
    """As many as there are cores and memory for, where the step reads much; else one."""
    if not task.by_rows or _read(task, store, setting) < LARGE:
        return 1
    room = MOST if setting.memory is None else setting.memory // EACH
    return max(1, min(setting.steps or resources.cores(), MOST, room))


def _read(task: Task, store: Store, setting: Setting) -> int:
    total = sum(map(store.size, task.inputs.values()))
    for name in task.files:
        with contextlib.suppress(OSError):
            total += os.stat(setting.root / name).st_size
    return total
