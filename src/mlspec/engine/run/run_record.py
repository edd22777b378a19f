"""A run as a value, and the runs that a project has had."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from mlspec import paths
from mlspec.diagnostics import Span, StoreError
from mlspec.graph.graph import Graph
from mlspec.machine import json_values
from mlspec.plugins.verdict import Verdict
from mlspec.store import files

FILE = "run.json"
EVENTS = "events.jsonl"
ID = re.compile(r"[0-9]{8}T[0-9]{6}[0-9]*Z-[0-9a-f]{4}")


class RanStep(Struct, frozen=True, kw_only=True):
    """What became of a step. ``record`` is what its work took, whenever that was; ``because`` the failed step that it
    would have needed."""

    kind: str
    action: Literal["done", "cached", "failed", "not reached"]
    fingerprint: str | None = None
    outputs: dict[str, str] = {}
    record: dict[str, Any] = {}
    because: str = ""

    @property
    def seconds(self) -> float | None:
        """How long its work took; None where there is no result."""
        seconds = self.record.get("seconds")
        return float(seconds) if isinstance(seconds, int | float) else None


class Failure(Struct, frozen=True, kw_only=True):
    """A failed step: one line on why, the place in the spec that made it, the file with what it printed."""

    step: str
    cause: str
    place: Span | None = None
    log: str | None = None


class HoldoutUse(Struct, frozen=True, kw_only=True):
    """How many models the test rows have judged, the place of this one among them, and how many are allowed."""

    uses: int
    place: int
    allowed: int | None = None


class Run(Struct, frozen=True, kw_only=True):
    """A run of a graph.

    ``folder`` is None for a run that found nothing to do: it leaves no trace. ``gates`` are the verdicts there are, in
    the graph's order, an entry for each requirement; ``metrics`` what the final evaluation gave, None where it was not
    reached. ``spec`` holds the spec's ``file`` and the ``sha256`` of its text. Times are ISO 8601 in UTC.
    """

    id: str
    folder: str | None
    status: Literal["done", "failed", "interrupted"]
    project: str
    spec: dict[str, str]
    started: str
    finished: str
    seconds: float
    engine: str
    device: str
    steps: dict[str, RanStep]
    failures: tuple[Failure, ...] = ()
    gates: tuple[Verdict, ...] = ()
    metrics: dict[str, Any] | None = None
    environment: dict[str, str] = {}
    holdout: HoldoutUse | None = None

    def holds(self) -> bool:
        """Whether every gate was decided, and passed or is waived."""
        decided = all(step.action in ("done", "cached") for step in self.steps.values() if step.kind == "gate")
        return decided and all(gate.verdict == "pass" or gate.waived for gate in self.gates)

    def count(self, action: str) -> int:
        """How many steps ended that way."""
        return sum(1 for step in self.steps.values() if step.action == action)


def folded(run: Run, graph: Graph) -> Run:
    """The run with the parts of a step as that one step, which took what all of them took, and the most memory."""
    parts: dict[str, list[RanStep]] = {}
    for step_id, step in run.steps.items():
        if graph.steps[step_id].part_of:
            parts.setdefault(graph.steps[step_id].part_of, []).append(step)
    if not parts:
        return run
    return msgspec.structs.replace(
        run,
        steps={
            step_id: _folded(step, parts.get(step_id, []))
            for step_id, step in run.steps.items()
            if step_id in graph.folded.steps
        },
    )


def _folded(step: RanStep, parts: list[RanStep]) -> RanStep:
    every = [step, *parts]
    record = dict(step.record)
    for name, of in (("seconds", sum), ("cpu_seconds", sum), ("peak_memory", max)):
        known = [one.record[name] for one in every if one.record.get(name) is not None]
        if parts and known:
            record[name] = of(known)
    action = step.action
    if action == "cached" and any(one.action == "done" for one in parts):
        action = "done"
    return msgspec.structs.replace(step, action=action, record=record)


def encode(run: Run) -> bytes:
    """The JSON text of ``run.json``."""
    return msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n"


def write(home: Path, run: Run) -> Run:
    """Give a run that found nothing to do a folder after all; the run with it. Raises OSError."""
    folder = paths.runs(home) / run.id
    folder.mkdir(parents=True)
    (folder / EVENTS).touch()
    run = msgspec.structs.replace(run, folder=str(folder))
    files.replace(folder / FILE, encode(run))
    return run


def read(folder: Path) -> Run:
    """The run in a folder. Raises StoreError when it did not finish or can't be read."""
    try:
        return json_values.read(folder / FILE, Run)
    except FileNotFoundError:
        raise StoreError(f"run '{folder.name}' did not finish") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"run '{folder.name}' can't be read: {error}") from None


def folders(home: Path) -> list[Path]:
    """The folders of all runs, the latest first, with those that were killed; whatever else is there is no run."""
    runs = paths.runs(home)
    names = sorted(os.listdir(runs), reverse=True) if runs.is_dir() else []
    found = (runs / name for name in names if ID.fullmatch(name))
    return [folder for folder in found if folder.is_dir() and not folder.is_symlink()]
