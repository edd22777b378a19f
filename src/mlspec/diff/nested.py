"""A meaning as nested data and back: what changes are applied to, and what a spec is written from."""

from collections.abc import Iterable
from typing import Any

import msgspec

from mlspec.diff.change import Change
from mlspec.diff.meaning import NAME, ORDER, Key, Leaf, Meaning
from mlspec.document import Document, Node
from mlspec.spec import Project
from mlspec.spec.dump import spelled
from mlspec.spec.load import load

Tree = dict[str, Any]


def tree(meaning: Meaning) -> Tree:
    """All of it as nested mappings, entries of lists under their names."""
    root: Tree = {}
    for key, entity in meaning.entities.items():
        at = _at(root, key)
        if entity.kind == "list":
            at[ORDER] = []
    for key, leaf in meaning.leaves.items():
        if not _left_out(leaf):
            _at(root, key[:-1])[key[-1]] = _written(leaf)
    return root


def entry(meaning: Meaning, key: Key) -> Any:
    """What is under a key as a spec would write it, defaults left out."""
    root: Tree = {}
    for inner in meaning.members[key]:
        leaf = meaning.leaves.get(inner)
        if leaf is None:
            _at(root, inner[len(key) :])
        elif not _left_out(leaf) and not _is_default(leaf):
            _at(root, inner[len(key) : -1])[inner[-1]] = _written(leaf)
    return plain(root)


def plain(value: Any) -> Any:
    """Nested data as a spec holds it: named entries are lists again."""
    if not isinstance(value, dict):
        return value
    if NAME in value:
        settings = {key: plain(item) for key, item in value.items() if key != NAME}
        return {value[NAME]: settings} if settings else value[NAME]
    names = [key for key in value if key.startswith("[")]
    if names or ORDER in value:
        order = [name for name in value.get(ORDER, ()) if name in value]
        return [plain(value[name]) for name in (*order, *(name for name in names if name not in order))]
    return {key: plain(item) for key, item in value.items()}


def project(nested: Tree) -> Project:
    """The project that nested data says. Raises SpecError where it says none."""
    return load(document(plain(nested)))


def document(data: Any, file: str = "(made)") -> Document:
    """Plain data as a document without text."""
    return Document(file, _node(data, file), {file: ""})


def apply(nested: Tree, changes: Iterable[Change]) -> Tree:
    """The nested data of the base with changes made: those of a whole diff give the head's."""
    made: Tree = _copy(nested)
    every = list(changes)
    order = ("renamed", "removed", "changed", "added", "reordered")
    for change in sorted(every, key=lambda c: (order.index(c.kind), c.position or 0)):
        *above, last = change.key
        around = _at(made, tuple(above))
        if change.kind == "renamed":
            _rename(made, around, str(change.old), str(change.new), above)
        elif change.kind == "removed":
            del around[last]
            if last.startswith("["):
                around[ORDER] = [name for name in around.get(ORDER, ()) if name != last]
        elif last == ORDER:
            # What came and went is in place by now; the whole order is what the head has.
            around[ORDER] = [f"[{name}]" for name in change.new]
        else:
            around[last] = change.new
            if change.position is not None:
                named = [name for name in around.get(ORDER, ()) if name != last]
                named.insert(change.position, last)
                around[ORDER] = named
    return made


def _rename(root: Tree, around: Tree, old: str, new: str, above: list[str]) -> None:
    around[new] = around.pop(old)
    if above == ["model", "candidates"] and old in root.get("tuning", {}):
        root["tuning"][new] = root["tuning"].pop(old)


def _at(root: Tree, key: Key) -> Tree:
    for part in key:
        inner = root.setdefault(part, {})
        if not isinstance(inner, dict):
            inner = root[part] = {}
        root = inner
    return root


def _copy(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _copy(item) for key, item in value.items()}


def _written(leaf: Leaf) -> Any:
    if leaf.pattern.endswith("[] order"):
        return list(leaf.value)
    return leaf.value if leaf.unit is None or leaf.value is None else spelled(leaf.value, leaf.unit)


def _left_out(leaf: Leaf) -> bool:
    """Null where nothing but its absence says so."""
    return leaf.value is None and leaf.default in (None, msgspec.UNSET)


def _is_default(leaf: Leaf) -> bool:
    return bool(leaf.default is not msgspec.UNSET and leaf.value == leaf.default)


def _node(data: Any, file: str) -> Node:
    start, end = (0, 0), (0, 1)
    if isinstance(data, dict):
        pairs = [(Node("scalar", key, file, start, end), _node(item, file)) for key, item in data.items()]
        return Node("map", pairs, file, start, end)
    if isinstance(data, list | tuple):
        return Node("list", [_node(item, file) for item in data], file, start, end)
    return Node("scalar", data, file, start, end)
