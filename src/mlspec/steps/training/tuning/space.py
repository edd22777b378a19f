"""A space of settings: points in it from positions between 0 and 1, and the same space as Optuna knows it."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Space = Mapping[str, tuple[str, Sequence[Any]]]
"""Setting -> kind (``uniform``, ``log``, ``integer``, ``log_integer``, ``choice``) and its two ends or its values."""


def parse(stated: Mapping[str, Mapping[str, Any]]) -> Space:
    """The space from a step's params: ``{"dropout": {"uniform": [0, 0.5]}}``."""
    return {name: next(iter(dimension.items())) for name, dimension in sorted(stated.items())}


def at(space: Space, position: Sequence[float]) -> dict[str, Any]:
    """The point at a position (as many numbers in [0, 1) as there are settings, in their order)."""
    return {name: _at(kind, ends, u) for (name, (kind, ends)), u in zip(space.items(), position, strict=True)}


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination of choices."""
    names = list(space)
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(v for _kind, v in space.values()))]


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """The space as Optuna knows it; a choice is its index."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for name, (kind, ends) in space.items():
        if kind == "choice":
            found[name] = CategoricalDistribution(range(len(ends)))
        elif "integer" in kind:
            found[name] = IntDistribution(int(ends[0]), int(ends[1]), log=kind.startswith("log"))
        else:
            found[name] = FloatDistribution(float(ends[0]), float(ends[1]), log=kind.startswith("log"))
    return found


def encode(space: Space, point: Mapping[str, Any]) -> dict[str, Any] | None:
    """A point as Optuna knows it; None where it is outside of the space."""
    found: dict[str, Any] = {}
    for name, (kind, ends) in space.items():
        value = point[name]
        if kind == "choice":
            if value not in ends:
                return None
            found[name] = list(ends).index(value)
        elif isinstance(value, bool) or not isinstance(value, int | float) or not ends[0] <= value <= ends[1]:
            return None
        else:
            found[name] = value
    return found


def decode(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """A point from Optuna's."""
    return {name: ends[point[name]] if kind == "choice" else point[name] for name, (kind, ends) in space.items()}


def put(settings: Mapping[str, Any], point: Mapping[str, Any]) -> dict[str, Any]:
    """A model's settings with a point's in their place; ``params.trees`` is the setting inside a setting."""
    made = dict(settings)
    for name, value in point.items():
        outer, _, inner = name.partition(".")
        made[outer] = put(made[outer], {inner: value}) if inner else value
    return made


def get(settings: Mapping[str, Any], name: str) -> Any:
    """A setting's value; None where it isn't set."""
    outer, _, inner = name.partition(".")
    value = settings.get(outer)
    return get(value, inner) if inner and isinstance(value, Mapping) else value


def _at(kind: str, ends: Sequence[Any], u: float) -> Any:
    if kind == "choice":
        return ends[int(u * len(ends))]
    low, high = ends
    if kind == "integer":
        return int(low + math.floor(u * (high - low + 1)))
    if kind == "log_integer":
        # Each integer represents the interval of half around it.
        low_log, high_log = math.log(low - 0.5), math.log(high + 0.5)
        return min(int(high), max(int(low), round(math.exp(low_log + u * (high_log - low_log)))))
    if kind == "log":
        return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
    return low + u * (high - low)
