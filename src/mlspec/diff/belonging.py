"""A lock and the spec that it is beside -> which of its results are of that spec."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from mlspec.engine.run.lockfile import Lock, LockedGate
from mlspec.graph import spec_identity
from mlspec.graph.graph import Graph
from mlspec.plugins.verdict import decide

OUTDATED = "mlspec.lock is out of date"
AGAIN = "run again"


class Belonging(Struct, frozen=True):
    """``stale``: by step of the spec without a result in the lock, the changed step that it depends on, empty where it
    differs itself; ``unknown``: why nothing of this can be said; ``wrong``: where the lock contradicts itself.
    Nothing that one of them names may be shown as a result of the spec. ``assumed``: sources whose content is known
    from the lock alone."""

    stale: Mapping[str, str] = {}
    unknown: str | None = None
    wrong: tuple[str, ...] = ()
    assumed: frozenset[str] = frozenset()

    def says(self, step: str) -> bool:
        """Whether the lock's result of a step is one of the spec."""
        return bool(step) and self.unknown is None and not self.wrong and step not in self.stale

    def summary(self) -> str | None:
        """Why the lock does not speak of the spec, in a sentence; None where all of it does."""
        if self.wrong:
            return f"mlspec.lock contradicts itself: {self.wrong[0]}; {AGAIN}"
        if self.unknown is not None:
            return f"{self.unknown}; {AGAIN}"
        own = [step for step, why in self.stale.items() if not why]
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        return f"{OUTDATED}: it has no result of the new {own[0]}{more}" if own else None


def belonging(lock: Lock, graph: Graph, contents: Mapping[str, Mapping[str, str]], is_whole: bool | None) -> Belonging:
    """What of a lock is of the spec with that graph. ``contents``: the sha256 of what steps read, where it is known;
    what is not is taken from the lock. ``is_whole``: whether the lock's seal fits, None where it has none."""
    if is_whole is False:
        return Belonging(wrong=("its text was changed after the run that wrote it",))
    if not lock.steps or not all(step.identity for step in lock.steps.values()):
        who = f"mlspec {lock.mlspec}" if lock.mlspec else "an older mlspec"
        return Belonging(unknown=f"mlspec.lock, written by {who}, does not say which spec it is of")
    graph = graph.folded
    files = {step_id: known for step_id in graph.steps if (known := _files(lock, graph, step_id, contents)) is not None}
    identities = spec_identity.digests(graph, files)
    stale: dict[str, str] = {}
    for step_id, step in graph.steps.items():
        before = next((read.step for read in step.inputs.values() if read.step in stale), None)
        locked = lock.steps.get(step_id)
        if locked is None or locked.identity != identities[step_id]:
            stale[step_id] = ""
        elif before is not None:
            stale[step_id] = before
    assumed = frozenset(
        step_id for step_id in files if graph.steps[step_id].kind == "source" and step_id not in contents
    )
    return Belonging(stale, None, tuple(_contradictions(lock, graph, stale)), assumed)


def _files(
    lock: Lock, graph: Graph, step_id: str, contents: Mapping[str, Mapping[str, str]]
) -> Mapping[str, str] | None:
    step = graph.steps[step_id]
    if step.kind == "source":
        locked = lock.sources.get(step_id.removeprefix("source."))
        return contents.get(step_id, None if locked is None else locked.files)
    if step.kind in ("train", "tune"):
        return contents.get(str(step.params["model"][1].get("code")))
    return contents.get(step.params["lock"]) if step.kind == "previous" else None


def _contradictions(lock: Lock, graph: Graph, stale: Mapping[str, str]) -> Iterator[str]:
    """Verdicts of the spec's gates that do not follow from the figures beside them."""
    for name, gate in lock.gates.items():
        step = graph.find(name)
        if step is None or step.id in stale:
            continue
        params = step.params
        metric = lock.metrics.get(params.get("metric", "")) if params.get("of") == "quality" else None
        if metric is not None and not params.get("beats") and metric.get("value") != gate.value:
            yield f"{name} has another value than the metric {params['metric']}"
        elif gate.requirement and (bound := _missed(gate, params, metric)):
            yield f"the verdict of {name} does not follow from its value and '{bound}'"


def _missed(gate: LockedGate, params: Mapping[str, Any], metric: Mapping[str, Any] | None) -> str:
    """The bound of a gate that is said to pass, and does not by its value (or its metric's interval)."""
    if gate.verdict != "pass" or gate.value is None:
        return ""
    for key, at_least in (("at_least", True), ("at_most", False), ("by", True)):
        bound = params.get(key)
        if not isinstance(bound, int | float):
            continue
        known = metric is not None and params.get("beats") is None
        low, high = (metric.get("low"), metric.get("high")) if known and metric else (gate.value, gate.value)
        if decide(low, high, bound, at_least=at_least) != "pass":
            return f"{key.replace('_', ' ')} {bound:g}"
    return ""
