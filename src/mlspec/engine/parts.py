"""Parts of a step that are steps of their own on other machines: the trials of a tuning.

This is the side of the step, which computes little and waits much: its worker sends an ``Ask`` up its report stream,
the driver has the parts done like any other step (``mlspec_backends._spread``), and the ``Answer`` comes back by the
worker's input. A part is found by its fingerprint, so none is done twice.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.engine.backend import Answer, Ask, Ending, Failed, Finished, Task
from mlspec.graph import fingerprint as fp
from mlspec.steps.job import Part
from mlspec.store.errors import DamagedError
from mlspec.store.store import Store

LARGEST_LOG = 64 << 10  # characters that are kept of the log of a failed part
Send = Callable[[Ask], Answer]


class Asking:
    """``Job.do_parts`` of a step, and what its parts took."""

    def __init__(self, task: Task, store: Store, send: Send) -> None:
        self._task, self._store, self._send = task, store, send
        self._taken: dict[str, dict[str, Any]] = {}
        self._waited = self._needed = 0.0

    def __call__(self, parts: Sequence[Part]) -> list[dict[str, Path]]:
        """The outputs of each part. Raises StepError where one failed, DamagedError where an input was damaged."""
        began = time.perf_counter()
        answer = self._send(Ask(self._task.step, tuple(_task(self._task, part) for part in parts)))
        self._waited += time.perf_counter() - began
        found = [self._outputs(ending) for ending in answer.endings]
        self._needed += max(self._taken[ending.action.fingerprint]["seconds"] for ending in _finished(answer))
        return found

    def record(self, own: dict[str, Any]) -> dict[str, Any]:
        """The record of the whole, by that of what was done here: waiting for a node takes nothing."""
        taken = self._taken.values()
        nodes = [record["node"] for record in taken if "node" in record]
        return {
            **own,
            "seconds": round(own["seconds"] - self._waited + self._needed, 6),
            "cpu_seconds": round(own["cpu_seconds"] + sum(record["cpu_seconds"] for record in taken), 6),
            "peak_memory": max([own["peak_memory"], *(record["peak_memory"] for record in taken)]),
            "nodes": {node: nodes.count(node) for node in sorted(set(nodes))},
        }

    def discard(self) -> None:
        """Forget the parts' results: that of the whole has all that is needed of them."""
        for fingerprint in self._taken:
            self._store.discard(fingerprint)

    def _outputs(self, ending: Ending) -> dict[str, Path]:
        if isinstance(ending, Failed):
            with contextlib.suppress(OSError):
                # To the log of the whole, which is the one that is shown.
                print(Path(ending.log or "").read_text(errors="replace")[-LARGEST_LOG:], end="")
            raise StepError(f"{ending.step.removeprefix(f'{self._task.step}/')}: {ending.cause}", ending.setting)
        if not isinstance(ending, Finished):
            raise DamagedError(ending.digest, "is damaged")
        self._taken[ending.action.fingerprint] = ending.action.record
        try:
            return {name: self._store.path(digest) for name, digest in ending.action.outputs.items()}
        except DamagedError as error:
            # It is no input of the whole, that its maker could repair.
            raise StepError(f"{error}; the next run makes it again") from None


def _task(whole: Task, part: Part) -> Task:
    about = {"whole": whole.fingerprint, "name": part.name, "work": part.work, "params": part.params}
    own = hashlib.sha256(fp.canonical(about)).hexdigest()
    return replace(
        whole,
        step=f"{whole.step}/{part.name}",
        work=part.work,
        fingerprint=own,
        identity=own,
        params={**whole.params, **part.params},
        outputs=part.outputs,
        records={},
        threads=1,
        parts=1,
        asks=False,
        expected=None,
        force=False,
        scratch=whole.fingerprint,
    )


def _finished(answer: Answer) -> list[Finished]:
    return [ending for ending in answer.endings if isinstance(ending, Finished)]
