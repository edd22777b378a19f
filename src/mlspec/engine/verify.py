"""Makes everything again in an empty store and compares what comes out with ``mlspec.lock``."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from mlspec.diagnostics import StoreError
from mlspec.engine.events import Listener
from mlspec.engine.run import lockfile as locks
from mlspec.engine.run.lockfile import Lock
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind


class Difference(Struct, frozen=True):
    """Something that did not come out as the lock says; ``locked`` and ``found`` are empty where there is nothing."""

    what: str
    locked: str
    found: str


class Verified(Struct, frozen=True):
    """The run that was made, and what differs from the lock."""

    run: Run
    differences: tuple[Difference, ...]


def verify(
    graph: Graph,
    *,
    path: Path | None = None,
    listener: Listener | None = None,
    kinds: Mapping[str, Kind] = KINDS,
) -> Verified:
    """Run the whole graph in a store of its own, which is gone afterwards, and compare.

    ``path`` is the lock, beside the spec if left out. Raises StoreError when there is no lock, or it can't be read.
    """
    path = path or locks.beside(graph.facts.root)
    expected = locks.read(path)
    if expected is None:
        raise StoreError(f"there is no '{path}' to compare with: mlspec run writes it")
    with tempfile.TemporaryDirectory(prefix="mlspec-verify-") as folder:
        made = run(graph, listener=listener, lock=False, home=Path(folder), share=False, kinds=kinds)
    return Verified(made, tuple(differences(expected, locks.of(graph, made, kinds))))


def differences(expected: Lock, found: Lock) -> Iterator[Difference]:
    """What two locks disagree on, but for times, versions and measured figures."""
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
    for name in _both(expected.gates, found.gates):
        if name in expected.steps and not expected.steps[name].outputs:
            # It decides on what is measured: times vary, and so may the verdict.
            continue
        before, after = (lock.gates[name].verdict if name in lock.gates else "" for lock in (expected, found))
        if before != after:
            yield Difference(f"verdict of {name}", before, after)


def _both(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return sorted(one.keys() | other.keys())
