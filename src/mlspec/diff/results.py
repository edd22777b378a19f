"""What the two locks say of results: metrics, gates, size and latency, the time it took."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from mlspec import registry
from mlspec.diff.change import GateChange, Impact, MetricChange, Results
from mlspec.engine.run.lockfile import Lock, LockedGate

Told = Literal["better", "worse", "the same", "not told apart", "not comparable", "unknown"]
Paired = Callable[[Lock, Lock], "Mapping[str, Told] | str"]
"""What sets two runs apart by metric, from their predictions of the same rows; in words, why that can't be said."""
SIDE_BY_SIDE = "intervals side by side"
PAIRED = "paired replicates of the same test rows"


def results(base: Lock | None, head: Lock | None, impact: Impact, paired: Paired | None = None) -> Results | None:
    """What changed in the results that are committed; None where neither side has a lock."""
    if base is None and head is None:
        return None
    if base is None or head is None:
        return Results(unknown=f"only the {'head' if base is None else 'base'} has an mlspec.lock")
    apart = paired(base, head) if paired is not None and base != head else "not asked"
    return Results(
        stale=_stale(base, head, impact),
        metrics=tuple(_metric(name, base, head, apart) for name in dict.fromkeys((*base.metrics, *head.metrics))),
        gates=tuple(_gates(base, head)),
        environment=_environment(base, head),
        seconds=(_seconds(base), _seconds(head)),
    )


def _stale(base: Lock, head: Lock, impact: Impact) -> str | None:
    """Why the head's lock does not speak of the head: a step that must be re-run has its old result."""
    for changed in impact.invalidated:
        before, after = base.steps.get(changed.step), head.steps.get(changed.step)
        if changed.certain and (after is None or (before is not None and before.fingerprint == after.fingerprint)):
            return f"mlspec.lock is out of date: it has no result of the new {changed.step}"
    return None


def _metric(name: str, base: Lock, head: Lock, apart: Mapping[str, Told] | str) -> MetricChange:
    was, now = base.metrics.get(name), head.metrics.get(name)
    better = _greater_is_better(name)
    told, how = _told(was, now, better, base, head)
    if told not in ("not comparable", "the same", "unknown") and not isinstance(apart, str) and name in apart:
        told, how = apart[name], PAIRED
    return MetricChange(metric=name, greater_is_better=better, base=was, head=now, told=told, how=how)


def _told(
    was: Mapping[str, Any] | None, now: Mapping[str, Any] | None, better: bool | None, base: Lock, head: Lock
) -> tuple[Told, str]:
    if was is None or now is None:
        return "unknown", "measured on one side alone"
    if _rows(base) != _rows(head):
        return "not comparable", "the test rows are not the same"
    if was == now:
        return "the same", ""
    ends = [side.get(end) for side in (was, now) for end in ("low", "high")]
    if any(end is None for end in ends) or better is None:
        return "unknown", "an interval is missing"
    if now["low"] > was["high"]:
        return ("better" if better else "worse"), SIDE_BY_SIDE
    if now["high"] < was["low"]:
        return ("worse" if better else "better"), SIDE_BY_SIDE
    return "not told apart", SIDE_BY_SIDE


def _rows(lock: Lock) -> str | None:
    split = lock.steps.get("split")
    return None if split is None else split.outputs.get("test")


def _greater_is_better(name: str) -> bool | None:
    return (
        getattr(registry.plugin("metrics", name), "greater_is_better", None) if registry.has("metrics", name) else None
    )


def _gates(base: Lock, head: Lock) -> list[GateChange]:
    found = []
    for name in dict.fromkeys((*base.gates, *head.gates)):
        was, now = base.gates.get(name), head.gates.get(name)
        if _said(name, was) != _said(name, now):
            found.append(
                GateChange(
                    gate=name,
                    base_verdict=None if was is None else was.verdict,
                    head_verdict=None if now is None else now.verdict,
                    base_requirement=None if was is None else was.requirement,
                    head_requirement=None if now is None else now.requirement,
                    base_value=None if was is None else was.value,
                    head_value=None if now is None else now.value,
                    unit=next((gate.unit for gate in (now, was) if gate is not None and gate.unit), ""),
                )
            )
    return found


def _said(name: str, gate: LockedGate | None) -> tuple[object, ...]:
    kind = name.removeprefix("gate.").partition(".")[0]
    compared = registry.has("constraints", kind) and registry.constraint(kind).is_compared
    return () if gate is None else (gate.verdict, gate.requirement, gate.value if compared else None)


def _environment(base: Lock, head: Lock) -> dict[str, tuple[str | None, str | None]]:
    before, after = base.environment | {"mlspec": base.mlspec}, head.environment | {"mlspec": head.mlspec}
    return {
        name: (before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def _seconds(lock: Lock) -> float | None:
    took = [step.seconds for step in lock.steps.values() if step.seconds is not None]
    return round(sum(took), 3) if took else None
