"""Which gates a change touches, and whether what was measured last would hold their new bounds."""

from collections.abc import Iterator, Mapping

from mlspec import registry
from mlspec.diff.change import GateOutlook
from mlspec.engine.run.lockfile import Lock, LockedGate
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.plugins.verdict import Decision, decide

FLOORS = ("at_least", "by")
BOUNDS = (*FLOORS, "at_most")


def outlooks(base: Graph, head: Graph, lock: Lock) -> Iterator[GateOutlook]:
    """Gates that are new, removed, or have other parameters, by the measurements in the base's lock."""
    before, after = _gates(base), _gates(head)
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None and was.params == now.params:
            continue
        found = lock.gates.get(name)
        value, low, high = _measured(found, was or now, lock)
        bounds = {} if now is None else _bounds(now)
        yield GateOutlook(
            gate=name,
            status="new" if was is None else "removed" if now is None else "changed",
            value=value,
            low=low,
            high=high,
            unit=_unit(was or now),
            base_bounds={} if was is None else _bounds(was),
            head_bounds=bounds,
            margin=None if value is None else _margin(value, bounds),
            held=None if found is None else found.verdict,
            would=None if now is None or value is None else _would(was, now, low, high),
        )


def _gates(graph: Graph) -> dict[str, Step]:
    return {step.id: step for step in graph.steps.values() if step.kind == "gate"}


def _bounds(gate: Step) -> dict[str, float]:
    found = ((side, gate.params.get(side)) for side in BOUNDS)
    return {side: float(bound) for side, bound in found if isinstance(bound, int | float)}


def _unit(gate: Step | None) -> str:
    kind = "" if gate is None else str(gate.params.get("of", ""))
    return registry.constraint(kind).unit(gate.params) if gate is not None and registry.has("constraints", kind) else ""


def _measured(
    found: LockedGate | None, gate: Step | None, lock: Lock
) -> tuple[float | None, float | None, float | None]:
    """Value and interval; of a bound on a metric also where the gate is new, or the lock has no interval."""
    is_bound = gate is not None and gate.params.get("of") == "quality" and gate.params.get("beats") is None
    metric = lock.metrics.get(gate.params["metric"]) if gate is not None and is_bound else None
    if metric is not None:
        return metric.get("value"), metric.get("low"), metric.get("high")
    if found is None:
        return None, None, None
    return found.value, found.low, found.high


def _margin(value: float, bounds: Mapping[str, float]) -> float | None:
    """The distance to the nearest bound."""
    margins = [value - bound if side in FLOORS else bound - value for side, bound in bounds.items()]
    return min(margins) if margins else None


def _would(was: Step | None, now: Step, low: float | None, high: float | None) -> Decision:
    """By the interval; unknown where more than the bounds changed, since the measurement is then another."""
    if was is not None and any(was.params.get(key) != now.params.get(key) for key in _others(was, now)):
        return "unknown"
    bounds = _bounds(now)
    parts = [decide(low, high, bound, at_least=side in FLOORS) for side, bound in bounds.items()]
    if "by" in bounds and not (low or 0) > 0:
        parts = ["unknown" if part == "pass" else part for part in parts]
    return min(parts, key=lambda part: ("fail", "unknown", "pass").index(part), default="unknown")


def _others(was: Step, now: Step) -> set[str]:
    return (was.params.keys() | now.params.keys()) - set(BOUNDS)
