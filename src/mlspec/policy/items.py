"""A policy as a flat list: what it asks for, each under a name of its own, for comparisons and listings."""

from typing import Any

from msgspec import Struct

from mlspec.document import Path
from mlspec.policy.gates import bounds
from mlspec.policy.reading import ReadPolicy


class Item(Struct, frozen=True):
    """One thing that a policy asks for: which way its value points, the value, as people write
    it, its place, the entry's reason."""

    direction: str
    value: Any
    shown: Any
    at: Path
    reason: str


def items(read: ReadPolicy) -> dict[str, Item]:
    """All that a policy asks for, by a name that says what it is about and for which specs."""
    found: dict[str, Item] = {}
    count: dict[str, int] = {}

    def add(name: str, rule: Any, at: Path, key: str, direction: str, value: Any, shown: Any) -> None:
        parts = [] if rule.when is None else [*(rule.when.paths or ()), *(rule.when.tasks or ())]
        full = name + (f" ({', '.join(parts)})" if parts else "") + (f".{key}" if key else "")
        count[full] = count.get(full, 0) + 1
        full = full if count[full] == 1 else f"{full} #{count[full]}"
        found[full] = Item(direction, value, shown, at, rule.reason)

    for index, gate in enumerate(read.policy.gates):
        for kind, stated in gate.require.gates.items():
            entries = enumerate(stated) if isinstance(stated, tuple) else [(None, stated)]
            for place, entry in entries:
                at: Path = ("gates", index, "require", kind, *(() if place is None else (place,)))
                node = read.document.node(at)
                name = f"gates.{kind}" if place is None else f"gates.{kind}[{entry.label()}]"
                before = len(found)
                for one in bounds(entry, {} if node is None else node.plain()):
                    if place is not None and not one.direction and one.spelled(one.value) in name:
                        continue  # what identifies the gate
                    key = ".".join(map(str, one.path))
                    shown = one.spelled(one.value) if one.field.shape.extra.get("unit") else _plain(one.value)
                    add(name, gate, (*at, *one.path), key, one.direction, one.value, shown)
                if len(found) == before:
                    add(name, gate, at, "", "", True, "required")
    for index, wanted in enumerate(read.policy.keys):
        at = ("keys", index)
        if wanted.at_least is None and wanted.at_most is None and wanted.allowed is None:
            add(f"keys[{wanted.key}]", wanted, at, "", "", True, "stated")
        for key, direction in (("at_least", "at_least"), ("at_most", "at_most"), ("allowed", "only")):
            value = getattr(wanted, key)
            if value is not None:
                add(f"keys[{wanted.key}]", wanted, (*at, key), key, direction, value, _plain(value))
    for index, source in enumerate(read.policy.sources):
        parts = [", ".join(source.types or ()), ", ".join(source.paths or ())]
        name = " from ".join(part for part in parts if part)
        direction = "allows" if source.when is None else "allows some"
        add(f"sources[{name}]", source, ("sources", index), "", direction, name, "allowed")
    for index, backend in enumerate(read.policy.backends):
        add(f"backends[{backend.engine}]", backend, ("backends", index), "", "", backend.engine, "forbidden")
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
