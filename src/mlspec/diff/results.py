"""What the two locks say of results: metrics, gates, size and latency, the time it took."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from mlspec import registry
from mlspec.diff.belonging import AGAIN, OUTDATED, Belonging, belonging
from mlspec.diff.change import GateChange, Impact, MetricChange, Results
from mlspec.engine.run.lockfile import Lock, LockedGate
from mlspec.graph.graph import Graph

Told = Literal["better", "worse", "the same", "not told apart", "not comparable", "unknown"]
Paired = Callable[[Lock, Lock], "Mapping[str, Told] | str"]
"""What sets two runs apart by metric, from their predictions of the same rows; in words, why that can't be said."""
SIDE_BY_SIDE = "intervals side by side"
UNKNOWN = "unknown"
PAIRED = "paired by the same test rows"


class Locked(Struct, frozen=True):
    """One side's lock, what of it is of that side's spec, and the spec's steps; None where these are unknown."""

    lock: Lock | None
    of: Belonging = Belonging()
    graph: Graph | None = None

    def metrics(self) -> dict[str, dict[str, int | float | None]]:
        """The metrics that the lock has of the spec."""
        return self.lock.metrics if self.lock is not None and self.of.says("evaluate") else {}

    def gates(self) -> dict[str, LockedGate]:
        """The gates that the lock has of the spec."""
        found = {} if self.lock is None else self.lock.gates
        return {name: gate for name, gate in found.items() if self.of.says(self.stated().get(name, ""))}

    def stated(self) -> dict[str, str]:
        """The spec's gates with the steps that decide them; those of the lock where they are unknown."""
        if self.graph is None:
            return {} if self.lock is None else {name: name for name in self.lock.gates}
        gates = (step for step in self.graph.steps.values() if step.kind == "gate")
        return {name: step.id for step in gates for name in (step.id, *step.also)}


def held(lock: Lock | None, graph: Graph, contents: Mapping[str, Mapping[str, str]], is_whole: bool | None) -> Locked:
    """A side's lock held against its spec."""
    return Locked(lock, Belonging() if lock is None else belonging(lock, graph, contents, is_whole), graph)


def unheld(lock: Lock | None, why: str | None) -> Locked:
    """A side's lock where the steps of its spec are not known."""
    return Locked(lock, Belonging(unknown=f"whether mlspec.lock is of this spec is unknown: {why}"))


def notes(found: Results | None) -> Iterator[str]:
    """What is to be said of the base's lock: of the head's the results say it."""
    if found is not None and found.base_stale is not None:
        yield f"of the base: {found.base_stale}"


def results(base: Locked, head: Locked, impact: Impact, paired: Paired | None = None) -> Results | None:
    """What changed in the results that are committed; None where neither side has a lock."""
    before, after = base.lock, head.lock
    if before is None and after is None:
        return None
    if before is None or after is None:
        stale = None if after is None else head.of.summary()
        lone = f"only the {'head' if before is None else 'base'} has an mlspec.lock"
        return Results(unknown=lone if stale is None else f"{lone}; {stale}", stale=stale)
    apart = paired(before, after) if paired is not None and before != after else "not asked"
    stale = head.of.summary() or _stale(before, after, impact, head.of.assumed) or _forged(before, after)
    if stale is not None and head.of.summary() is None:
        head = replace(head, of=Belonging(unknown=stale))
    metrics = dict.fromkeys((*before.metrics, *after.metrics))
    return Results(
        stale=stale,
        base_stale=base.of.summary(),
        metrics=tuple(_metric(name, base, head, apart) for name in metrics),
        gates=tuple(_gates(base, head)),
        environment=_environment(before, after),
        seconds=(_seconds(before), _seconds(after)),
    )


def _stale(base: Lock, head: Lock, impact: Impact, assumed: Collection[str]) -> str | None:
    """Why the head's lock does not speak of the head: another source than the base's has its result."""
    for changed in impact.invalidated:
        before, after = base.steps.get(changed.step), head.steps.get(changed.step)
        old = before is not None and after is not None and before.fingerprint == after.fingerprint
        if changed.step in assumed and changed.certain and old:
            return f"{OUTDATED}: it has no result of the new {changed.step}"
    return None


def _forged(base: Lock, head: Lock) -> str | None:
    """Where the two locks have one digest for different figures."""
    before, after = (lock.steps["evaluate"].outputs if "evaluate" in lock.steps else {} for lock in (base, head))
    if before and before == after and base.metrics != head.metrics:
        return f"mlspec.lock contradicts that of the base: other metrics under the same digest; {AGAIN}"
    return None


def _metric(name: str, base: Locked, head: Locked, apart: Mapping[str, Told] | str) -> MetricChange:
    was, now = base.metrics().get(name), head.metrics().get(name)
    better = _greater_is_better(name)
    told, how = _told(name, was, now, better, base, head)
    if told not in ("not comparable", "the same", "unknown") and not isinstance(apart, str) and name in apart:
        told, how = apart[name], PAIRED
    return MetricChange(metric=name, greater_is_better=better, base=was, head=now, told=told, how=how)


def _told(
    name: str,
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    better: bool | None,
    base: Locked,
    head: Locked,
) -> tuple[Told, str]:
    assert base.lock is not None
    assert head.lock is not None
    for side, of in (("base", base), ("head", head)):
        if not of.of.says("evaluate"):
            return "unknown", f"the lock of the {side} has no result of its spec: {AGAIN}"
    if was is None or now is None:
        return "unknown", "measured on one side alone"
    if not _same_rows(base.lock, head.lock):
        return "not comparable", "the test rows are not the same"
    if _measured_by(name, base) != _measured_by(name, head):
        return "not comparable", "it is measured with other settings"
    if was == now:
        return "the same", ""
    ends = [side.get(end) for side in (was, now) for end in ("low", "high")]
    if any(end is None for end in ends) or better is None:
        return "unknown", "an interval is missing"
    if _level(base) != _level(head):
        return "unknown", "the intervals have different levels"
    if now["low"] > was["high"]:
        return ("better" if better else "worse"), SIDE_BY_SIDE
    if now["high"] < was["low"]:
        return ("worse" if better else "better"), SIDE_BY_SIDE
    return "not told apart", SIDE_BY_SIDE


def _same_rows(base: Lock, head: Lock) -> bool:
    """Whether both are measured on the same rows, whatever columns these have."""
    if base.test_rows is not None and head.test_rows is not None:
        return base.test_rows.are(head.test_rows)
    before, after = (split.outputs.get("test") if (split := lock.steps.get("split")) else None for lock in (base, head))
    return before == after


def _measured_by(name: str, side: Locked) -> Any:
    step = None if side.graph is None else side.graph.find("evaluate")
    return None if step is None else next((use for use in step.params.get("metrics", ()) if use[0] == name), None)


def _level(side: Locked) -> float | None:
    return None if side.graph is None else side.graph.project.evaluation.confidence.level


def _greater_is_better(name: str) -> bool | None:
    return (
        getattr(registry.plugin("metrics", name), "greater_is_better", None) if registry.has("metrics", name) else None
    )


def _gates(base: Locked, head: Locked) -> list[GateChange]:
    """The gates that say something else now; what a lock does not say of its spec is unknown, never what it was."""
    before, after = base.gates(), head.gates()
    found = []
    for name in base.stated() | head.stated():
        was, now = before.get(name), after.get(name)
        if _said(name, was) != _said(name, now):
            found.append(
                GateChange(
                    gate=name,
                    base_verdict=was.verdict if was else UNKNOWN if name in base.stated() else None,
                    head_verdict=now.verdict if now else UNKNOWN if name in head.stated() else None,
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
