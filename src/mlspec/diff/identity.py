"""What makes an entry of a list the one that it is: a gate is known by its metric, an expectation by its column."""

from collections.abc import Callable
from typing import Any

import msgspec

from mlspec.plugins.base import PluginRef

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
        "constraints.fairness",
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


def _quality(gate: Any) -> str:
    return gate.metric if gate.beats is None else f"{gate.metric} beats {gate.beats}"


def _fairness(gate: Any) -> str:
    return f"{gate.metric} by {', '.join(gate.group)}"


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
    "constraints.quality": _quality,
    "constraints.fairness": _fairness,
    "constraints.waivers": lambda waiver: waiver.requirement,
    "project.goals": lambda goal: goal.name,
    "project.users.examples": _example,
    "data.expect": _expectation,
    "data.join": lambda join: join.source,
    "preprocessing.interactions": _interaction,
}
"""By the list's pattern; a list of plug-ins is keyed by their names. A list that is not here fails a test."""

MOST = 80


def names(pattern: str, entries: tuple[Any, ...]) -> list[str]:
    """What each entry of a list is called: ``[roc_auc]``; a second one of the same name is ``[roc_auc #2]``."""
    key = KEYS.get(pattern)
    if key is None and any(not isinstance(entry, PluginRef) for entry in entries):
        raise LookupError(f"nothing says what identifies an entry of {pattern}: add it to KEYS in diff/identity.py")
    own = [(entry.name if key is None else key(entry))[:MOST] for entry in entries]
    order = range(len(entries))
    if pattern not in ORDERED and len(set(own)) < len(own):
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


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, order="sorted")
