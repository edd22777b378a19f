"""The gates of two graphs -> those that are gone or easier, whichever key of the spec caused it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from mlspec.diff import compare
from mlspec.diff.change import SEVERITY, Change, Class
from mlspec.diff.meaning import Key, Meaning
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step

EASIER: frozenset[Class] = frozenset({"removed", "loosened", "exposure"})
TOLD: frozenset[Class] = EASIER | {"contract"}
HIGHER, LOWER = frozenset({"at_least", "by", "minimum_rows"}), frozenset({"at_most", "tolerance", "epsilon", "delta"})
OTHER = frozenset({"metric", "beats", "what", "of", "group", "sensitive", "quantile"})


def easier(base: Graph, head: Graph) -> dict[str, Class]:
    """By gate of the base: removed where the head has none of that name, loosened where it asks for less."""
    found: dict[str, Class] = {}
    now = {name: step for step in head.steps.values() if step.kind == "gate" for name in (step.id, *step.also)}
    for step in base.steps.values():
        for name in (step.id, *step.also) if step.kind == "gate" else ():
            if name not in now:
                found[name] = "removed"
            elif _asks_less(step.params, now[name].params):
                found[name] = "loosened"
    return found


def _asks_less(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return any(_is_less(key, old[key], new.get(key)) for key in old if old[key] is not None)


def _is_less(key: str, old: Any, new: Any) -> bool:
    if key in OTHER or new is None or not isinstance(old, int | float):
        return key in HIGHER | LOWER | OTHER and bool(old != new)
    return (key in HIGHER and new < old) or (key in LOWER and new > old)


def classified(change: Change, gates: Mapping[str, Class]) -> Change:
    """A change that by itself makes gates go or easier is no less than that."""
    if not gates or change.class_ in TOLD:
        return change
    worst: Class = "removed" if "removed" in gates.values() else "loosened"
    return replace(change, class_=worst, severity=SEVERITY[worst])


def unexplained(
    base: Meaning, head: Meaning, graphs: tuple[Graph, Graph], found: Collection[Change]
) -> Iterator[Change]:
    """A change of its own for each gate that is gone or easier without one that says so."""
    said = [change for change in found if change.class_ in TOLD]
    explained = {gate for change in said for gate in change.gates}
    for gate, class_ in easier(*graphs).items():
        step = graphs[0].find(gate)
        stated = () if step is None else _key(base, step)
        if step is None or gate in explained:
            continue
        if any(change.key[: len(stated)] == stated[: len(change.key)] for change in said):
            continue
        after = graphs[1].find(gate)
        kind: Any = "removed" if class_ == "removed" else "changed"
        at = None if after is None else after.path
        key, old, new = ("(gate)", gate), _asked(step), None if after is None else _asked(after)
        made = compare.make(base, head, kind, key, "(gate)", step.path, at, old, new)
        yield replace(made, path=gate, class_=class_, severity=SEVERITY[class_])


def _key(meaning: Meaning, step: Step) -> Key:
    """The key of what states a gate."""
    places = {entity.at: key for key, entity in meaning.entities.items()} | {
        leaf.at: key for key, leaf in meaning.leaves.items()
    }
    named = tuple(str(part) for part in step.path if isinstance(part, str))
    return next((places[step.path[:end]] for end in range(len(step.path), 0, -1) if step.path[:end] in places), named)


def _asked(step: Step | None) -> dict[str, Any]:
    return {} if step is None else {key: value for key, value in step.params.items() if value is not None}
