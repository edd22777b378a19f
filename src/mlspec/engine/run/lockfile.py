"""``mlspec.lock``: what a spec led to, as text to be committed beside it and read in a pull request.

The text depends on the results alone: a run that changes none of them leaves the file as it is.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.diagnostics import StoreError
from mlspec.engine.run import run_record
from mlspec.engine.run.holdout_ledger import Use
from mlspec.engine.run.run_record import Run
from mlspec.graph import fingerprint as fp
from mlspec.graph import spec_identity
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind, reads_records
from mlspec.graph.passes.references import content, pins
from mlspec.graph.step import Step
from mlspec.machine import json_values, safe_files
from mlspec.plugins.verdict import Number
from mlspec.spec.pinned import LOCK, MOST_LEVELS, VERSION, DataSummary, LockedRows, LockedSource, LockedSpread
from mlspec.store import files

NAME = LOCK


QUICK = 1.0  # seconds; how long a quicker step took is not written
STEADY = 2.0  # a time that is off by no more than this factor stays as it was


class LockedStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step: its fingerprint, its outputs' digests (none where it measures time), how long it took; None: less than a
    second. ``identity``: what of the spec, its files and the code it is of (``graph/spec_identity.py``); empty in older
    locks."""

    fingerprint: str
    identity: str = ""
    outputs: dict[str, str] = {}
    seconds: float | None = None


class LockedGate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gate said; ``low`` and ``high`` where there is an interval, ``unit`` of all three."""

    requirement: str
    verdict: str
    value: Number | None
    low: Number | None = None
    high: Number | None = None
    unit: str = ""
    waived: str = ""


class Lock(Struct, frozen=True, kw_only=True):
    """What a run gave. ``metrics`` hold value, low and high; ``gates`` requirement, verdict and value, and the reason
    where one is waived; ``candidates`` by the metric of the selection each candidate's score on the validation rows;
    ``holdout`` which models the test rows have judged, ``spreads`` how columns' values were spread that expectations on
    drift watch; ``test_rows`` what they are measured on. ``machine``: what the numeric libraries of the steps computed
    with. ``seeds``: each metric with every seed, where there are several; the first is that of ``metrics`` where the
    model was not fitted again. ``accepted``: the digest of the lock that ``mlspec accept`` kept, empty where it never
    did. ``seal``: a digest of all the rest but times, which shows that the text is what a run wrote; empty in older
    locks."""

    version: int = VERSION
    seal: str = ""
    mlspec: str = ""
    environment: dict[str, str] = {}
    machine: dict[str, str] = {}
    sources: dict[str, LockedSource] = {}
    spreads: dict[str, LockedSpread] = {}
    steps: dict[str, LockedStep] = {}
    metrics: dict[str, dict[str, int | float | None]] = {}
    seeds: dict[str, tuple[int | float | None, ...]] = {}
    candidates: dict[str, dict[str, dict[str, int | float | None]]] = {}
    gates: dict[str, LockedGate] = {}
    holdout: tuple[Use, ...] = ()
    test_rows: LockedRows | None = None
    accepted: str = ""


def beside(root: Path) -> Path:
    """The lock of the spec in a folder."""
    return root / NAME


def of(
    graph: Graph,
    run: Run,
    kinds: Mapping[str, Kind] = KINDS,
    uses: tuple[Use, ...] = (),
    spreads: dict[str, LockedSpread] | None = None,
    test_rows: LockedRows | None = None,
    selection: Mapping[str, Any] | None = None,
    summaries: Mapping[str, DataSummary] | None = None,
) -> Lock:
    """The lock of a run in which every step has a result. ``uses``: all uses of its test rows; ``spreads``: what is to
    be pinned of columns' values; ``selection``: the result of the selection; ``summaries``: of each source's rows."""
    computed_on, run = machine(run), run_record.folded(run, graph)
    identities = spec_identity.digests(graph, {step_id: step.files for step_id, step in graph.steps.items()})
    measured = {} if run.metrics is None else run.metrics["metrics"]
    return Lock(
        mlspec=run.environment.get("mlspec", ""),
        environment={name: version for name, version in run.environment.items() if name not in ("mlspec", "processor")},
        machine=computed_on,
        sources={
            name: msgspec.structs.replace(source, summary=(summaries or {}).get(name))
            for name, source in sources(graph).items()
        },
        spreads=spreads or {},
        steps={
            step_id: LockedStep(
                fingerprint=step.fingerprint or "",
                identity=identities[step_id],
                outputs={} if kinds[step.kind].volatile else _stable(graph, step_id, step.outputs, kinds),
                seconds=None if step.seconds is None or step.seconds < QUICK else _rounded(step.seconds),
            )
            for step_id, step in run.steps.items()
        },
        seeds={} if run.metrics is None else {k: tuple(v) for k, v in run.metrics.get("seeds", {}).items()},
        candidates=_scores(selection or {}),
        metrics={name: {end: found[end] for end in ("value", "low", "high")} for name, found in measured.items()},
        gates={
            gate.gate: LockedGate(
                requirement=gate.requirement,
                verdict=gate.verdict,
                value=gate.value,
                low=gate.low,
                high=gate.high,
                unit=gate.unit,
                waived=gate.waived,
            )
            for gate in run.gates
        },
        holdout=uses,
        test_rows=test_rows,
    )


def machine(run: Run) -> dict[str, str]:
    """What the steps computed with, as their records say it; several values where they ran on several machines."""
    found: dict[str, set[str]] = {}
    for step in run.steps.values():
        for name, value in step.record.get("machine", {}).items():
            found.setdefault(name, set()).add(value)
    return {name: "; ".join(sorted(values)) for name, values in sorted(found.items())}


def _scores(selection: Mapping[str, Any]) -> dict[str, dict[str, dict[str, int | float | None]]]:
    scores = selection.get("scores")
    if not isinstance(scores, dict) or not isinstance(selection.get("metric"), str):
        return {}
    return {
        selection["metric"]: {
            name: {end: found.get(end) for end in ("value", "low", "high")}
            for name, found in scores.items()
            if isinstance(found, dict)
        }
    }


def sources(graph: Graph) -> dict[str, LockedSource]:
    """The sources of a graph as its lock pins them."""
    steps = (step for step in graph.steps.values() if step.kind == "source")
    return {step.id.removeprefix("source."): _source(graph, step) for step in steps}


def spreads(graph: Graph, report: Any, before: Mapping[str, LockedSpread], *, renew: bool) -> dict[str, LockedSpread]:
    """What is to be pinned of the spreads that the check of the data has measured: what is pinned stays, so that data
    that moves a little with each run is seen to move; ``renew``: it is as it is now."""
    found = {}
    for entry in report or ():
        for name, sketch in pins(entry):
            found[name] = (None if renew else before.get(name)) or LockedSpread(content(graph), sketch)
    return found


def text(lock: Lock) -> bytes:
    """The file's bytes: JSON with sorted keys, a line for each value; sealed."""
    sealed = msgspec.structs.replace(lock, seal=_seal(msgspec.json.decode(msgspec.json.encode(lock))))
    return msgspec.json.format(msgspec.json.encode(sealed, order="sorted"), indent=2) + b"\n"


def is_whole(content: bytes) -> bool | None:
    """Whether a lock's text is what a run wrote, but for times; None for one that has no seal. Raises ValueError."""
    found = json_values.decode(content, dict[str, Any])
    return found["seal"] == _seal(found) if found.get("seal") else None


def _seal(lock: dict[str, Any]) -> str:
    """The digest of a lock's data, including what only later versions know."""
    steps = lock.get("steps", {})
    timeless = {
        name: {k: v for k, v in step.items() if k != "seconds"} if isinstance(step, dict) else step
        for name, step in (steps.items() if isinstance(steps, dict) else ())
    }
    return hashlib.sha256(fp.canonical({**lock, "steps": timeless, "seal": ""})).hexdigest()


def write(path: Path, lock: Lock) -> bool:
    """Write the lock, whole or not at all, where it says something new; whether it did.

    How long steps took, and where, is no news.
    """
    try:
        before = read(path)
    except StoreError:
        before = None
    if before is not None:
        lock = msgspec.structs.replace(lock, accepted=before.accepted)
        if _timeless(before) == _timeless(lock) and (before.machine or not lock.machine):
            return False
        lock = _steady(lock, before)
    files.replace(path, text(lock))
    return True


def _steady(lock: Lock, before: Lock) -> Lock:
    """The lock with the times of the one before where they are about the same: each line that differs is read."""
    steps = dict(lock.steps)
    for name, step in lock.steps.items():
        was = before.steps[name].seconds if name in before.steps else None
        now = step.seconds
        if was is not None and ((now or QUICK) <= was * STEADY and was <= (now or QUICK) * STEADY):
            steps[name] = msgspec.structs.replace(step, seconds=was)
        elif was is None and name in before.steps and now is not None and now <= QUICK * STEADY:
            steps[name] = msgspec.structs.replace(step, seconds=None)
    return msgspec.structs.replace(lock, steps=steps)


def read(path: Path) -> Lock | None:
    """The lock in a file, None when there is none. Raises StoreError when it can't be read."""
    try:
        content = safe_files.read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"'{path}' can't be read: {(error.strerror or '').lower()}") from None
    try:
        return decode(content)
    except ValueError as error:
        raise StoreError(f"'{path}' is not a lock that this version can read: {error}") from None


def whole(path: Path) -> Lock | None:
    """The lock in a file, if it is as a run wrote it."""
    try:
        content = safe_files.read(path)
        return decode(content) if is_whole(content) else None
    except (OSError, ValueError):
        return None


def decode(content: bytes) -> Lock:
    """The lock in a text. Raises ValueError for what is none, or one of another version."""
    found = json_values.decode(content, Lock)
    if found.version != VERSION:
        raise ValueError(f"it has version {found.version}, but this mlspec reads {VERSION}")
    return found


def _source(graph: Graph, step: Step) -> LockedSource:
    name = step.id.removeprefix("source.")
    snapshot = graph.facts.snapshots.get(name)
    if snapshot is None:
        # Of a target with more values no task follows from them, and they may be about people.
        levels = graph.facts.target_levels
        levels = None if levels is None or len(levels) > MOST_LEVELS else levels
        return LockedSource(
            files=dict(step.files),
            columns=dict(step.params["columns"]),
            target=graph.project.data.columns.target if levels else "",
            levels=levels,
        )
    return LockedSource(
        files=dict(step.files),
        columns={column.name: column.type for column in graph.facts.of_source(name)},
        source=snapshot.source,
        rows=snapshot.rows,
        target=snapshot.target,
        levels=snapshot.levels,
    )


def _stable(graph: Graph, step_id: str, outputs: Mapping[str, str], kinds: Mapping[str, Kind]) -> dict[str, str]:
    """The outputs' digests, unless the step reads what is measured: then they vary with it."""
    reads = graph.steps[step_id].inputs.values()
    varies = any(kinds[graph.steps[read.step].kind].volatile for read in reads)
    return {} if varies or reads_records(graph.steps[step_id]) else dict(outputs)


def _timeless(lock: Lock) -> bytes:
    steps = {name: msgspec.structs.replace(step, seconds=None) for name, step in lock.steps.items()}
    return text(msgspec.structs.replace(lock, steps=steps, machine={}))


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.2g}")
