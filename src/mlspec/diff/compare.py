"""Two meanings -> the changes between them, each classified and with its places."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from mlspec.diagnostics import Span
from mlspec.diff import nested, renames
from mlspec.diff.change import SEVERITIES, SEVERITY, Change, Kind
from mlspec.diff.classes import classify, rule_of
from mlspec.diff.directions import Seen
from mlspec.diff.meaning import ORDER, Entity, Key, Leaf, Meaning, is_stated, text
from mlspec.document import Document, Path
from mlspec.spec.dump import spelled

CLASSES = list(SEVERITY)
RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def changes(base: Meaning, head: Meaning) -> tuple[Change, ...]:
    """What differs, the gravest first."""
    renamed = renames.find(base, head)
    before = renames.under_new_names(base, renamed)
    found = [_renamed(base, head, old, new) for old, new in renamed]
    whole: set[Key] = set()
    for key in sorted(before.entities.keys() ^ head.entities.keys(), key=len):
        if any(key[:end] in whole for end in range(1, len(key))):
            continue
        whole.add(key)
        found.append(_entity(before, head, key, "added" if key in head.entities else "removed"))
    for key, entity in head.entities.items():
        if entity.kind != "plugin" or key not in before.entities or _covered(key, whole):
            continue
        choice = (*key, str(entity.choice))
        if before.leaves[choice].value != head.leaves[choice].value:
            # Another plug-in has other settings: the two are shown as wholes.
            whole.add(key)
            found.append(_entity(before, head, key, "changed"))
    for key in dict.fromkeys((*head.leaves, *before.leaves)):
        if not _covered(key, whole):
            found += _leaf(before, head, key)
    return ordered(found)


def ordered(found: Iterable[Change]) -> tuple[Change, ...]:
    """The gravest first; what follows from something else after what was written."""
    return tuple(sorted(found, key=_rank))


def _rank(change: Change) -> tuple[int, int, bool, tuple[str, ...], str]:
    stated = change.base_stated or change.head_stated
    return RANK[change.severity], CLASSES.index(change.class_), not stated, change.key, change.profile or ""


def _covered(key: Key, whole: set[Key]) -> bool:
    return bool(whole) and any(key[:end] in whole for end in range(1, len(key) + 1))


def _renamed(base: Meaning, head: Meaning, old: Key, new: Key) -> Change:
    entity, was = head.entities[new], base.entities[old]
    return make(base, head, "renamed", new, entity.pattern, was.at, entity.at, old[-1], new[-1])


def _entity(base: Meaning, head: Meaning, key: Key, kind: Kind) -> Change:
    entity: Entity = head.entities[key] if kind != "removed" else base.entities[key]
    old = None if kind == "added" else nested.entry(base, key)
    new = None if kind == "removed" else nested.entry(head, key)
    at_base = base.entities[key].at if key in base.entities else None
    at_head = head.entities[key].at if key in head.entities else None
    pattern = entity.pattern if kind != "changed" else f"{entity.pattern}.{entity.choice}"
    position = None
    order = (head if kind == "added" else base).leaves.get((*key[:-1], ORDER))
    if order is not None and kind in ("added", "removed"):
        position = order.value.index(key[-1])
    return make(base, head, kind, key, pattern, at_base, at_head, old, new, position=position)


def _leaf(base: Meaning, head: Meaning, key: Key) -> list[Change]:
    was, now = base.leaves.get(key), head.leaves.get(key)
    if was is not None and now is not None:
        if _same(was.value, now.value):
            return []
        if key[-1] == ORDER:
            return _order(base, head, key, was, now)
        kind: Kind = "reordered" if _reordered(was.value, now.value) else "changed"
    else:
        if key[-1] == ORDER:
            return []
        kind = "added" if was is None else "removed"
    leaf = now or was
    assert leaf is not None
    old, new = (None if side is None else shown(side) for side in (was, now))
    raw = (None if was is None else was.value, None if now is None else now.value)
    at = (None if was is None else was.at, None if now is None else now.at)
    return [make(base, head, kind, key, leaf.pattern, *at, old, new, raw=raw)]


def _order(base: Meaning, head: Meaning, key: Key, was: Leaf, now: Leaf) -> list[Change]:
    """A list in another order, apart from what came and went, which is reported separately."""
    common = set(was.value) & set(now.value)
    old, new = ([name for name in side.value if name in common] for side in (was, now))
    if old == new:
        return []
    plain = [[name.removeprefix("[").removesuffix("]") for name in names] for names in (was.value, now.value)]
    return [make(base, head, "reordered", key, now.pattern, was.at, now.at, *plain)]


def _reordered(old: Any, new: Any) -> bool:
    if not (isinstance(old, list) and isinstance(new, list) and len(old) == len(new)):
        return False
    return sorted(map(repr, old)) == sorted(map(repr, new))


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new) and (not isinstance(old, list | dict) or repr(old) == repr(new))


def shown(leaf: Leaf) -> Any:
    """A value as a spec writes it, with its unit."""
    if leaf.unit is None or leaf.value is None:
        return leaf.value
    return spelled(leaf.value, leaf.unit)


def make(
    base: Meaning,
    head: Meaning,
    kind: Kind,
    key: Key,
    pattern: str,
    at_base: Path | None,
    at_head: Path | None,
    old: Any,
    new: Any,
    *,
    raw: tuple[Any, Any] | None = None,
    position: int | None = None,
) -> Change:
    """A change with its class, places and id."""
    seen = Seen(kind, key, *((old, new) if raw is None else raw), base.project, head.project)
    # The order of plain values changes a result where the values do; a new name for the same changes nothing.
    name = classify(pattern, seen) if kind != "renamed" else "prose"
    if kind == "reordered" and key[-1] != ORDER and name in ("evaluation", "tightened", "loosened", "contract"):
        name = "prose"
    path = text(key[:-1]) + " (order)" if key[-1] == ORDER else text(key)
    return Change(
        id=identifier(kind, path, old, new),
        kind=kind,
        path=path,
        key=key,
        rule=rule_of(pattern),
        class_=name,
        severity=SEVERITY[name],
        old=old,
        new=new,
        base=place(base.document, at_base),
        head=place(head.document, at_head),
        base_stated=at_base is not None and is_stated(base.document, at_base),
        head_stated=at_head is not None and is_stated(head.document, at_head),
        position=position,
    )


def identifier(kind: str, path: str, old: Any, new: Any) -> str:
    """A short digest of what a change is, not of where it is."""
    said = msgspec.json.encode([kind, path, old, new], order="sorted")
    return hashlib.sha256(said).hexdigest()[:12]


def place(document: Document, at: Path | None) -> Span | None:
    """The place of a path, or of its nearest existing part."""
    return None if at is None else document.span(at)
