"""Graph -> Plan: which steps would run, and why."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct, structs

from mlspec.graph import fingerprint as fp
from mlspec.graph.fingerprint import Parts
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step

Action = Literal["cached", "runs", "may run"]


class PlannedStep(Struct, frozen=True):
    """What would become of a step, and why.

    ``cached``: its result is in the store. ``runs``: it is not, this is certain. ``may run``: it waits for the content
    of an input; should that come out as it was before, the result is in the store. ``fingerprint`` is None while an
    input's content is unknown, ``outputs`` (name -> digest) unless it is cached, ``seconds`` where the step never ran.
    """

    step: str
    action: Action
    reasons: tuple[str, ...] = ()
    fingerprint: str | None = None
    outputs: Mapping[str, str] | None = None
    seconds: float | None = None


class Plan(Struct, frozen=True, dict=True):
    """The steps of a graph in its order, each with what would become of it."""

    graph: Graph
    steps: Mapping[str, PlannedStep]

    @cached_property
    def folded(self) -> "Plan":
        """The plan of the folded graph: of a step with parts, all of them together."""
        parts: dict[str, list[PlannedStep]] = {}
        for step_id, step in self.graph.steps.items():
            if step.part_of:
                parts.setdefault(step.part_of, []).append(self.steps[step_id])
        if not parts:
            return self
        graph = self.graph.folded
        return Plan(graph, {step_id: _together(self.steps[step_id], parts.get(step_id, [])) for step_id in graph.steps})

    def count(self, action: Action) -> int:
        """How many steps have that action."""
        return sum(1 for planned in self.steps.values() if planned.action == action)

    def pending(self) -> bool:
        """Whether there is anything to do."""
        return any(planned.action != "cached" for planned in self.steps.values())


def plan(
    graph: Graph,
    lookup: Callable[[str], Mapping[str, str] | None],
    previous: Mapping[str, Parts] | None = None,
    seconds: Mapping[str, float] | None = None,
    known: Callable[[str], bool] | None = None,
) -> Plan:
    """What running the graph would do.

    ``lookup`` gives the output digests stored under a fingerprint, or None; ``previous`` what each step was made of
    last time, by id; ``seconds`` how long it took; ``known(identity)`` whether the store has any result of a step of
    that identity (without it, a step that waits for an input is never certain to run).
    """
    previous, seconds = previous or {}, seconds or {}
    identities = {step_id: fp.identity(step) for step_id, step in graph.steps.items()}
    # Two steps of one identity may turn out to read equal bytes: then the second finds the result of the first.
    twins = _twins(identities)
    planned: dict[str, PlannedStep] = {}
    runs: dict[str, str] = {}
    for step_id, step in graph.steps.items():
        own = identities[step_id]
        digests, waits = _inputs(graph, step, planned)
        before = previous.get(step_id)
        took = seconds.get(step_id)
        if waits:
            new = known is not None and not known(own)
            certain = new and own not in twins
            reasons = [*_changes(step, before, digests), *(f"waits for {name}" for name in waits)]
            if new and not certain:
                twin = next(other for other in twins[own] if other != step_id)
                reasons.append(f"runs unless it reads the same as {twin}")
            planned[step_id] = PlannedStep(step_id, "runs" if certain else "may run", tuple(reasons), None, None, took)
            continue
        key = fp.combine(own, digests)
        outputs = lookup(key)
        if outputs is not None and outputs.keys() >= set(step.outputs):
            planned[step_id] = PlannedStep(step_id, "cached", (), key, outputs, took)
        elif key in runs:
            planned[step_id] = PlannedStep(step_id, "may run", (f"does the same as {runs[key]}",), key, None, took)
        else:
            runs[key] = step_id
            reasons = _changes(step, before, digests) or ["result is missing from the store"]
            planned[step_id] = PlannedStep(step_id, "runs", tuple(reasons), key, None, took)
    for step_id in runs.values():
        for twin in twins.get(identities[step_id], ()):
            if twin != step_id and planned[twin].fingerprint is None:
                # Should the twin, once it knows what it reads, do the same work first, its result serves both.
                reasons = [*planned[step_id].reasons, f"runs unless {twin} reads the same"]
                planned[step_id] = structs.replace(planned[step_id], action="may run", reasons=tuple(reasons))
                break
    return Plan(graph, planned)


def _together(step: PlannedStep, parts: Sequence[PlannedStep]) -> PlannedStep:
    """A step and its parts in one: the reasons are those of the parts, each once."""
    pending = [one for one in parts if one.action != "cached"]
    if not pending:
        return step
    every = [step, *pending]
    told = (reason for one in pending for reason in one.reasons)
    reasons = dict.fromkeys(reason for reason in told if reason not in ("never ran", f"waits for {step.step}"))
    known = [one.seconds for one in every if one.action != "cached" and one.seconds is not None]
    return structs.replace(
        step,
        action="runs" if any(one.action == "runs" for one in every) else "may run",
        reasons=(f"{len(pending):,} of {len(parts):,} steps for its parts", *reasons),
        fingerprint=None,
        outputs=None,
        seconds=sum(known) if known else None,
    )


def _twins(identities: Mapping[str, str]) -> dict[str, list[str]]:
    """The steps that share an identity, by that."""
    groups: dict[str, list[str]] = {}
    for step_id, own in identities.items():
        groups.setdefault(own, []).append(step_id)
    return {own: ids for own, ids in groups.items() if len(ids) > 1}


def _inputs(graph: Graph, step: Step, planned: Mapping[str, PlannedStep]) -> tuple[dict[str, str], list[str]]:
    """The digests of the inputs that are known, and the steps that the others wait for; a step that another of these
    waits for itself is not named."""
    digests: dict[str, str] = {}
    waits: dict[str, None] = {}
    for name, read in step.inputs.items():
        outputs = planned[read.step].outputs
        if outputs is None:
            waits[read.step] = None
        else:
            digests[name] = outputs[read.output]
    # Parts are waited for as the step that they are parts of.
    names = dict.fromkeys(graph.steps[name].part_of or name for name in waits)
    if len(names) == 1 or step.part_of:
        return digests, list(names)
    return digests, [name for name in names if name == step.id or graph.folded.reduced.has_edge(name, step.id)]


def _changes(step: Step, before: Parts | None, digests: Mapping[str, str]) -> list[str]:
    if before is None:
        return ["never ran"]
    found = []
    if before.kind != step.kind:
        found.append(f"kind: {before.kind} -> {step.kind}")
    if before.params != step.params:
        for where, old, new in _differences("", fp.plain(before.params), fp.plain(step.params)):
            found.append(f"parameter {where}: {_text(old)} -> {_text(new)}")
    gone = []
    for label, olds, news in (("code of ", before.code, step.code), ("", before.environment, step.environment)):
        for name in sorted(olds.keys() | news.keys()):
            old, new = olds.get(name), news.get(name)
            if old is None or new is None:
                gone.append(f"{label}{name}: {old or 'none'} -> {new or 'none'}")
            elif old != new:
                found.append(f"{label}{name}: {old} -> {new}")
    files = sorted(before.files.keys() | step.files.keys())
    found += [f"file {name} changed" for name in files if before.files.get(name) != step.files.get(name)]
    for name in sorted(before.inputs.keys() | step.inputs.keys()):
        if name not in step.inputs:
            found.append(f"input {name} is gone")
        elif name not in before.inputs:
            found.append(f"input {name} is new")
        elif name in digests and before.inputs[name] != digests[name]:
            found.append(f"input {name} changed")
    # Code that came or went follows from a parameter that named it; alone it is a reason of its own.
    return found or gone


_MISSING = object()


def _differences(where: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The smallest differing values of two plain values, each with its place (``model.hidden``)."""
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{where}.{key}" if where else str(key)
            yield from _differences(inner, old.get(key, _MISSING), new.get(key, _MISSING))
    elif _is_use(old) and _is_use(new) and old[0] == new[0]:
        # A plug-in's settings are shown by their own names: `dropout`, as in the spec.
        yield from _differences(where if where and not where.startswith("model") else "", old[1], new[1])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and not _scalars(old + new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            name = one.get("name") if isinstance(one, dict) else one[0] if _is_use(one) else index
            yield from _differences(f"{where}.{name}" if where else str(name), one, other)
    else:
        yield where or "value", old, new


def _is_use(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)


def _scalars(values: list[Any]) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


def _text(value: Any) -> str:
    if value is _MISSING:
        return "none"
    text = value if isinstance(value, str) else fp.canonical(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."
