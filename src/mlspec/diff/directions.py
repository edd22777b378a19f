"""Rules for values that have a direction: which way is stricter, which way costs more."""

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct

from mlspec.diff.change import Class, Kind
from mlspec.spec import Project


class Seen(Struct, frozen=True):
    """A change as a rule sees it: what became of what, in which projects."""

    kind: Kind
    key: tuple[str, ...]
    old: Any
    new: Any
    base: Project
    head: Project


Rule = Callable[[Seen], Class]


def always(name: Class) -> Rule:
    """Whatever the change is."""

    def rule(_seen: Seen) -> Class:
        return name

    return rule


def floor(seen: Seen) -> Class:
    """A least value: the higher, the stricter; none at all is the laxest."""
    return _bound(seen.old, seen.new, stricter=_greater(seen.new, seen.old))


def ceiling(seen: Seen) -> Class:
    """A greatest value: the lower, the stricter; none at all is the laxest."""
    return _bound(seen.old, seen.new, stricter=_greater(seen.old, seen.new))


def demand(seen: Seen) -> Class:
    """Something that is asked for or not: a gate, an expectation, a group of bounds."""
    if seen.kind == "added":
        return "tightened"
    return "removed" if seen.kind == "removed" else "prose"


def pardon(seen: Seen) -> Class:
    """Something that lets go of a demand: the other way round."""
    if seen.kind == "added":
        return "loosened"
    return "tightened" if seen.kind == "removed" else "prose"


def only(seen: Seen) -> Class:
    """The values that are allowed, null for any: the fewer, the stricter."""
    if seen.old is None or seen.new is None:
        return "tightened" if seen.old is None else "removed"
    if seen.kind == "reordered":
        return "prose"
    return "tightened" if _within(seen.new, seen.old) else "loosened"


def every(seen: Seen) -> Class:
    """What something must hold of: the more, the stricter."""
    if seen.kind == "reordered":
        return "prose"
    return "tightened" if _within(seen.old, seen.new) else "loosened"


def replaced(seen: Seen) -> Class:
    """What is asked for, where other values are neither more nor less of it: the old demand is gone."""
    return "tightened" if seen.old in (None, (), []) else "removed"


def guarded(rule: Rule) -> Rule:
    """The same for a guard of privacy: where less is asked, something is exposed."""

    def stricter(seen: Seen) -> Class:
        found = rule(seen)
        return "exposure" if found in ("loosened", "removed") else found

    return stricter


def span(seen: Seen) -> Class:
    """A range that values are in: the narrower, the stricter."""
    if seen.old is None or seen.new is None:
        return "tightened" if seen.old is None else "removed"
    (old_low, old_high), (low, high) = seen.old, seen.new
    return "tightened" if low >= old_low and high <= old_high else "loosened"


def asked(seen: Seen) -> Class:
    """True asks for something."""
    return "tightened" if seen.new else "removed"


def ranked(*order: str) -> Rule:
    """Words from the laxest to the strictest."""

    def rule(seen: Seen) -> Class:
        return "tightened" if order.index(seen.new) > order.index(seen.old) else "loosened"

    return rule


def wider(seen: Seen) -> Class:
    """What is looked at apart: more is more to compute, less changes no number that stays."""
    return "prose" if _within(seen.new or (), seen.old or ()) else "cost"


def more_costs(otherwise: Class = "result") -> Rule:
    """More of it is more to compute; less is another result."""

    def rule(seen: Seen) -> Class:
        if seen.kind in ("added", "removed"):
            return "cost" if seen.kind == "added" else otherwise
        more = seen.old is False if isinstance(seen.new, bool) else _greater(seen.new, seen.old)
        return "cost" if more else otherwise

    return rule


def _bound(old: Any, new: Any, *, stricter: bool) -> Class:
    if old is None:
        return "tightened"
    if new is None:
        return "removed"
    return "tightened" if stricter else "loosened"


def _greater(one: Any, other: Any) -> bool:
    """Whether one number is greater; no number at all counts as without bound."""
    if one is None or other is None:
        return one is None and other is not None
    return bool(one > other)


def _within(inner: Collection[Any], outer: Collection[Any]) -> bool:
    return all(item in outer for item in inner)
