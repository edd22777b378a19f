"""What makes an entry of a list the one that it is: a gate is known by its metric, an expectation by its column."""

from collections.abc import Callable
from typing import Any

import msgspec

from mlspec.plugins.base import PluginRef
from mlspec.plugins.constraint import Constraint

# Lists whose order changes results, or what is computed, and is therefore a change of its own.
ORDERED = frozenset(
    {
        "preprocessing.numeric",
        "preprocessing.category",
        "preprocessing.date",
        "preprocessing.image",
        "preprocessing.columns.*",
        "preprocessing.interactions",
        "project.goals",
        "evaluation.metrics",
        "data.expect",
        "data.join",
        "project.users.examples",
    }
)
# Lists of plain values that are sets: neither order nor repetition means anything, and no fingerprint sees them.
SETS = frozenset(
    {
        "project.owners",
        "data.columns.features",
        "data.columns.sensitive",
        "data.columns.use_sensitive",
        "data.columns.drop",
        "constraints.infrastructure.engines",
        "constraints.infrastructure.devices",
        "constraints.infrastructure.platforms",
        "constraints.infrastructure.machines",
        "constraints.reviewers.*",
        "project.interface.classes",
    }
)


def _expectation(wanted: Any) -> str:
    if wanted.column is not None:
        return str(wanted.column)
    if wanted.columns:
        return ", ".join(wanted.columns)
    said = next((name for name in wanted.__struct_fields__ if getattr(wanted, name) not in (None, ())), "rows")
    return said if wanted.holds is None else f"holds {wanted.holds}"


def _interaction(made: Any) -> str:
    return " ".join(f"{kind} {', '.join(getattr(made, kind))}" for kind in made.kinds)


def _example(example: Any) -> str:
    return ", ".join(f"{name}={example.row[name]}" for name in sorted(example.row))


KEYS: dict[str, Callable[[Any], str]] = {
    "constraints.waivers": lambda waiver: waiver.requirement,
    "project.goals": lambda goal: goal.name,
    "project.users.examples": _example,
    "data.expect": _expectation,
    "data.join": lambda join: join.source,
    "preprocessing.interactions": _interaction,
    "operation.monitor.quality": lambda bound: f"{bound.metric}, estimated" if bound.estimated else bound.metric,
}
"""By the list's pattern; a list of plug-ins is keyed by their names. A list that is not here fails a test."""

MOST = 80


def names(pattern: str, entries: tuple[Any, ...]) -> list[str]:
    """What each entry of a list is called: ``[roc_auc]``; a second one of the same name is ``[roc_auc #2]``."""
    own = [_name(pattern, entry)[:MOST] for entry in entries]
    order = range(len(entries))
    if not is_ordered(pattern, entries) and len(set(own)) < len(own):
        # Entries with the same name are distinguished by content, not by position.
        order_by_content = sorted(order, key=lambda index: (own[index], msgspec.json.encode(_plain(entries[index]))))
    else:
        order_by_content = list(order)
    seen: dict[str, int] = {}
    found = [""] * len(entries)
    for index in order_by_content:
        seen[own[index]] = count = seen.get(own[index], 0) + 1
        found[index] = f"[{own[index]}]" if count == 1 else f"[{own[index]} #{count}]"
    return found


def is_ordered(pattern: str, entries: tuple[Any, ...]) -> bool:
    """Whether the order of a list's entries is a change of its own."""
    return pattern in ORDERED or any(isinstance(entry, Constraint) and entry.is_ordered for entry in entries)


def _name(pattern: str, entry: Any) -> str:
    if isinstance(entry, Constraint):
        return entry.label()
    if isinstance(entry, PluginRef):
        return entry.name
    if pattern not in KEYS:
        raise LookupError(f"nothing says what identifies an entry of {pattern}: add it to KEYS in diff/identity.py")
    return KEYS[pattern](entry)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, order="sorted")
