"""Computes everything again in an empty store and compares the results with ``mlspec.lock``.

Three answers: identical, to the last bit; equivalent, on another processor or other numeric kernels, which explain the
difference; different. What can't be explained by another machine is different.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mlspec import paths
from mlspec.diagnostics import StoreError
from mlspec.engine import backend
from mlspec.engine.events import Listener
from mlspec.engine.run import lockfile as locks
from mlspec.engine.run.lockfile import Lock
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph import fingerprint as fp
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind
from mlspec.graph.passes.environment import FIXED

EXACT = frozenset({"source", "combine", "split", "fold"})  # kinds that copy and choose rows: no processor changes these
Answer = Literal["identical", "equivalent", "different"]


class Difference(Struct, frozen=True):
    """Something that did not come out as the lock says; ``locked`` and ``found`` are empty where there is nothing."""

    what: str
    locked: str
    found: str


class Shift(Struct, frozen=True):
    """How far a metric is from its value in the lock. ``low`` and ``high`` bound what is called equivalent; ``share``:
    of the way to that bound."""

    metric: str
    locked: float
    found: float
    low: float
    high: float
    share: float


class Verified(Struct, frozen=True, kw_only=True):
    """How the results compare with the lock.

    ``reasons``: why they are called different. ``first``: the steps whose results differ though their inputs do not;
    ``steps``: how many steps differ. ``shifts``: metrics, the one that moved most first. ``machine``: what the two
    machines computed with, where that differs. ``run`` is None if there was nothing to run: a source has changed.
    """

    answer: Answer
    reasons: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    first: tuple[str, ...] = ()
    steps: int = 0
    shifts: tuple[Shift, ...] = ()
    machine: tuple[Difference, ...] = ()
    run: Run | None = None


def verify(
    graph: Graph,
    *,
    path: Path | None = None,
    tolerances: Mapping[str, float] = {},
    listener: Listener | None = None,
    kinds: Mapping[str, Kind] = KINDS,
) -> Verified:
    """Run the whole graph in a store of its own, which is gone afterwards, and compare.

    ``path`` is the lock, beside the spec if left out; ``tolerances``: how far a metric may be from its value in the
    lock; if left out, inside its interval or among its values with other seeds. Raises StoreError when there is no
    lock, or it can't be read.
    """
    path = path or locks.beside(graph.facts.root)
    expected = locks.read(path)
    if expected is None:
        raise StoreError(f"there is no '{path}' to compare with: mlspec run writes it")
    changed = tuple(_changed_sources(expected, graph))
    if changed:
        return Verified(answer="different", reasons=changed)
    parent = None
    if backend.is_elsewhere(graph.project.backend.engine):
        # Other machines see the spec's folder, not this one's temporary files.
        parent = paths.home(Path(graph.facts.root).absolute())
        paths.prepare(parent)
    with tempfile.TemporaryDirectory(prefix="mlspec-verify-", dir=parent) as folder:
        made = run(graph, listener=listener, lock=False, home=Path(folder), share=False, kinds=kinds)
    if made.failures:
        return Verified(answer="different", reasons=(f"{len(made.failures)} steps failed",), run=made)
    return compared(expected, locks.of(graph, made, kinds), graph, tolerances=tolerances, kinds=kinds, run=made)


def compared(
    expected: Lock,
    found: Lock,
    graph: Graph,
    *,
    tolerances: Mapping[str, float] = {},
    kinds: Mapping[str, Kind] = KINDS,
    run: Run | None = None,
) -> Verified:
    """How two locks compare; ``graph`` is what ``found`` was computed by."""
    other = tuple(differences(expected, found))
    machine = tuple(_machine(expected, found))
    if not other:
        return Verified(answer="identical", machine=machine, run=run)
    differing = [
        name
        for name in graph.steps
        if name in expected.steps and name in found.steps and expected.steps[name].outputs != found.steps[name].outputs
    ]
    first = tuple(name for name in differing if all(r.step not in differing for r in graph.steps[name].inputs.values()))
    shifts = tuple(sorted(_shifts(expected, found, tolerances), key=lambda shift: -shift.share))
    reasons = (
        *_not_the_machine(expected, found, machine),
        *_another_spec(expected, found, graph),
        *(_inexplicable(name) for name in first if _is_exact(graph.steps[name].kind, kinds)),
        *(_too_far(shift) for shift in shifts if shift.share > 1),
        *(f"{name} was {gate}, and is {now}" for name, gate, now in _verdicts(expected, found)),
    )
    return Verified(
        answer="different" if reasons else "equivalent",
        reasons=reasons,
        differences=other,
        first=first,
        steps=len(differing),
        shifts=shifts,
        machine=machine,
        run=run,
    )


def differences(expected: Lock, found: Lock) -> Iterator[Difference]:
    """What two locks disagree on, but for times, versions, machines and measured figures."""
    for name in _both(expected.steps, found.steps):
        old, new = expected.steps.get(name), found.steps.get(name)
        if old is None or new is None:
            yield Difference(f"step {name}", "" if old is None else "a step", "" if new is None else "a step")
        elif old.outputs != new.outputs:
            for output in _both(old.outputs, new.outputs):
                was, now = old.outputs.get(output, ""), new.outputs.get(output, "")
                if was != now:
                    yield Difference(f"{output} of {name}", was[:12], now[:12])
    for name in _both(expected.metrics, found.metrics):
        value, other = expected.metrics.get(name, {}), found.metrics.get(name, {})
        for end in ("value", "low", "high"):
            if value.get(end) != other.get(end):
                yield Difference(f"{name} ({end})", str(value.get(end, "")), str(other.get(end, "")))
    for name, before, after in _verdicts(expected, found):
        yield Difference(f"verdict of {name}", before, after)


def _verdicts(expected: Lock, found: Lock) -> Iterator[tuple[str, str, str]]:
    for name in _both(expected.gates, found.gates):
        if name in expected.steps and not expected.steps[name].outputs:
            # It decides on what is measured: times vary, and so may the verdict.
            continue
        before, after = (lock.gates[name].verdict if name in lock.gates else "" for lock in (expected, found))
        if before != after:
            yield name, before, after


def _changed_sources(expected: Lock, graph: Graph) -> Iterator[str]:
    """The sources whose content is not that in the lock any more: nothing computed from them can be the same."""
    for name, locked in expected.sources.items():
        step = graph.find(f"source.{name}")
        if step is None or set(step.files.values()) == set(locked.files.values()):
            continue
        snapshot = graph.facts.snapshots.get(name)
        then, now = locked.rows, None if snapshot is None else snapshot.rows
        rows = "" if then is None or now is None else f" ({then:,} rows then, {now:,} now)"
        yield f"source '{name}' has changed since mlspec.lock was written{rows}"


def _machine(expected: Lock, found: Lock) -> Iterator[Difference]:
    for name in _both(expected.machine, found.machine):
        was, now = expected.machine.get(name, ""), found.machine.get(name, "")
        if was != now:
            yield Difference(name, was, now)


def _not_the_machine(expected: Lock, found: Lock, machine: tuple[Difference, ...]) -> Iterator[str]:
    """Why another machine can't be what made the results differ."""
    if not expected.machine:
        yield "mlspec.lock does not say which machine it was made on, so no other machine explains the difference"
    elif not machine:
        yield "it is a machine like the one of mlspec.lock, so the results should be identical"
    elif FIXED in expected.environment and FIXED in found.environment:
        yield "with reproducible: portable the results should be identical on every x86-64 machine"
    ours = {name: version for name, version in found.environment.items() if name != "machine"}
    for name in _both(expected.environment, ours):
        was, now = expected.environment.get(name), ours.get(name)
        if was != now and name != "machine":
            yield f"{name} is {now or 'not in use'}, and was {was or 'not in use'}"


def _another_spec(expected: Lock, found: Lock, graph: Graph) -> Iterator[str]:
    """The steps that are not those of the lock: from the lock's own digests, their fingerprints are others."""
    for name in _both(expected.steps, found.steps):
        if name not in found.steps:
            yield f"step {name} is gone from the spec"
        elif name not in expected.steps:
            yield f"step {name} is new in the spec"
        elif _is_another(name, expected, graph):
            yield f"step {name} is another than in mlspec.lock: the spec, code or libraries have changed"


def _is_another(name: str, expected: Lock, graph: Graph) -> bool:
    step = graph.steps[name]
    if "machine" in step.environment and "machine" in expected.environment:
        step = replace(step, environment={**step.environment, "machine": expected.environment["machine"]})
    inputs = {}
    for key, read in step.inputs.items():
        locked = expected.steps.get(read.step)
        if locked is None or read.output not in locked.outputs:
            return False  # what is measured has no digest in the lock
        inputs[key] = locked.outputs[read.output]
    return "processor" not in step.environment and fp.fingerprint(step, inputs) != expected.steps[name].fingerprint


def _is_exact(kind: str, kinds: Mapping[str, Kind]) -> bool:
    return kind in EXACT or kinds[kind].trivial


def _inexplicable(name: str) -> str:
    return f"step {name} gives another result from equal inputs, and it computes nothing that depends on the processor"


def _shifts(expected: Lock, found: Lock, tolerances: Mapping[str, float]) -> Iterator[Shift]:
    for name, figures in expected.metrics.items():
        was, now = figures.get("value"), found.metrics.get(name, {}).get("value")
        if was is None or now is None:
            if was is not now:
                yield Shift(name, was or 0.0, now or 0.0, 0.0, 0.0, float("inf"))
            continue
        ends = [was, figures.get("low"), figures.get("high"), *expected.seeds.get(name, ())]
        if name in tolerances:
            ends = [was - tolerances[name], was + tolerances[name]]
        low, high = (choose(end for end in ends if end is not None) for choose in (min, max))
        room, way = (high - was if now > was else was - low), abs(now - was)
        yield Shift(name, was, now, low, high, 0.0 if not way else way / room if room else float("inf"))


def _too_far(shift: Shift) -> str:
    way = f"{shift.metric} is {shift.found:.4g}, and was {shift.locked:.4g}"
    return f"{way}: outside {shift.low:.4g} to {shift.high:.4g}, its interval or its spread over seeds"


def _both(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return sorted(one.keys() | other.keys())
