"""How a change of a constraint is classified, by which way the plug-in says that its bounds point."""

import functools
import re

from mlspec import registry
from mlspec.diff.directions import Rule, always, asked, ceiling, demand, every, floor, guarded
from mlspec.spec.constraints import Constraints
from mlspec.spec.shape import Shape, keys

BOUNDS: dict[str, Rule] = {"at_least": floor, "at_most": ceiling, "all_of": every, "asked": asked}
PATTERN = re.compile(r"constraints\.(\w+)(\[\])?( order)?((?:\.\w+)*)")


@functools.cache
def rule(pattern: str) -> Rule | None:
    """The rule for a key of a constraint (``constraints.latency.p95``); None where the pattern is of nothing such.

    Something that comes or goes as a whole is asked for or not; a key that is no bound changes what is measured.
    """
    found = PATTERN.fullmatch(pattern)
    if found is None or not registry.has("constraints", found[1]) or found[1] not in keys(Constraints, [found[1]]):
        return None
    if found[3]:
        return always("prose")
    cls = registry.constraint(found[1])
    wanted = _inner(Shape(kind="object", cls=cls), found[4].split(".")[1:])
    if wanted is None:
        return None
    measured = always("exposure" if cls.guards_people else "evaluation")
    points = wanted.extra.get("bound") or wanted.extra.get("evidence") or ""
    stricter = demand if wanted.kind == "object" else BOUNDS.get(points, measured)
    return guarded(stricter) if cls.guards_people else stricter


def _inner(wanted: Shape, path: list[str]) -> Shape | None:
    for name in path:
        field = keys(wanted.cls).get(name) if wanted.kind == "object" else None
        if field is None:
            return None
        wanted = field.shape
    return wanted
