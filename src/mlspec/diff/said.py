"""Everything that the text of a spec says: the meaning of its values, its profiles, comments and notes, by key."""

from functools import cached_property
from typing import Any

from msgspec import Struct

from mlspec.diff import identity
from mlspec.diff.comments import comments
from mlspec.diff.meaning import ORDER, Key, Meaning, meaning
from mlspec.document import Document, Node, Path, parse
from mlspec.graph.fingerprint import canonical
from mlspec.spec.load import load

ABOVE, BESIDE, END = "(comment above)", "(comment beside)", "(comment at the end)"
SLOTS = {"above": ABOVE, "beside": BESIDE, "end": END}
THERE = b""  # of something that is there as a whole
NAMES = ("metric", "beats", "group", "column", "columns", "name", "source", "requirement", "holds", "rule")


class Said(Struct, frozen=True, dict=True):
    """What a text says. ``values``: canonical JSON by key, THERE for an entity; ``comments``: lines by what they are
    about and where; ``places``: the path in the document of each key that is no leaf's default."""

    text: str
    meaning: Meaning
    values: dict[Key, bytes]
    comments: dict[Key, tuple[str, ...]]
    places: dict[Key, Path]

    @cached_property
    def choices(self) -> dict[Key, Key]:
        """The key of the plug-in's name, by the entity that it is of."""
        return {key: (*key, entity.choice) for key, entity in self.meaning.entities.items() if entity.choice}

    def states(self, key: Key) -> bool:
        """Whether something is written in the text, and not only a default."""
        return key in self.places and self.meaning.document.node(self.places[key]) is not None

    def is_set(self, key: Key) -> bool:
        """Whether a value is a list whose order and repetitions mean nothing."""
        leaf = self.meaning.leaves.get(key)
        return leaf is not None and leaf.pattern in identity.SETS


def said(text: str, file: str) -> Said:
    """What a text says by itself, without a look at the data. Raises SpecError."""
    document = parse(text, file)
    found = meaning(load(document), document)
    values = {key: canonical(leaf.value) for key, leaf in found.leaves.items()}
    values |= dict.fromkeys(found.entities, THERE)
    places = {key: entity.at for key, entity in found.entities.items()}
    places |= {key: leaf.at for key, leaf in found.leaves.items() if key[-1] != ORDER}
    profiles = document.node(("profiles",))
    if profiles is not None:
        _raw(profiles, ("profiles",), ("profiles",), values, places)
    keys = {at: key for key, at in reversed(places.items())}
    notes: dict[Key, list[str]] = {}
    for comment in comments(document):
        key = (*key_of(document, comment.at, keys), SLOTS[comment.slot])
        places[key[:-1]] = comment.at
        notes.setdefault(key, []).append(comment.text)
    return Said(text, found, values, {key: tuple(lines) for key, lines in notes.items()}, places)


def key_of(document: Document, at: Path, keys: dict[Path, Key]) -> Key:
    """The key of a path: entries of lists by what identifies them."""
    length = len(at)
    while length and at[:length] not in keys:
        length -= 1
    key = keys.get(at[:length], ())
    for end in range(length, len(at)):
        part = at[end]
        node = document.node(at[: end + 1])
        named = f"[{canonical(None if node is None else node.plain()).decode()}]" if isinstance(part, int) else part
        key = (*key, named)
    return key


def _raw(node: Node, key: Key, at: Path, values: dict[Key, bytes], places: dict[Key, Path]) -> None:
    """The values of a profile: as they are written, because what they mean depends on what is below them."""
    places[key] = at
    if node.kind == "map":
        values[key] = THERE
        for name, item in node.value:
            _raw(item, (*key, name.value), (*at, name.value), values, places)
    elif node.kind == "list" and node.value and all(item.kind == "map" for item in node.value):
        values[key] = THERE
        names = _names([item.plain() for item in node.value])
        for index, (name, item) in enumerate(zip(names, node.value, strict=True)):
            _raw(item, (*key, name), (*at, index), values, places)
        values[(*key, ORDER)] = canonical(names)
    else:
        values[key] = canonical(node.plain())


def _names(entries: list[dict[str, Any]]) -> list[str]:
    """What identifies the entries of a list in a profile; a second one of the same name is numbered by content."""
    own = []
    for entry in entries:
        stated = {name: entry[name] for name in NAMES if name in entry}
        own.append(canonical(stated or list(entry)).decode())
    by_content = sorted(range(len(own)), key=lambda index: (own[index], canonical(entries[index])))
    seen: dict[str, int] = {}
    found = [""] * len(own)
    for index in by_content:
        seen[own[index]] = count = seen.get(own[index], 0) + 1
        found[index] = f"[{own[index]}]" if count == 1 else f"[{own[index]} #{count}]"
    return found
