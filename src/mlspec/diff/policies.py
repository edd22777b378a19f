"""What changed in the policies that are in force for a spec: a weaker one is an error, a stricter one a warning."""

import os
from collections.abc import Iterator
from typing import Any

import msgspec

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.diff import compare
from mlspec.diff.change import Change, Kind, Severity
from mlspec.diff.version import Version
from mlspec.document import LARGEST
from mlspec.machine import allowed_reads
from mlspec.policy.files import NAME
from mlspec.policy.items import Item, items
from mlspec.policy.reading import ReadPolicy, from_file, from_text, unreadable

WEAKER: Severity = "error"
STRICTER: Severity = "warning"
OTHER: Severity = "info"


def changes(base: Version, head: Version) -> list[Change]:
    """The changes of the policies beside and above a spec. Raises SpecError where one of the head can't be read, or is
    wrong."""
    if base.repository is None or head.repository is None or base.repository.root != head.repository.root:
        return []
    if base.commit is None and head.commit is None:
        return []  # two files that are here: both have the policies of today
    found: list[Change] = []
    here, before = _places(head), _places(base)
    for place in dict.fromkeys((*before, *here)):
        now = _read(head, place) if place in here else None
        try:
            was = _read(base, place) if place in before else None
        except SpecError:
            found.append(_whole(place, "changed", STRICTER, "a file that is no policy", now))
            continue
        if was is not None and now is not None:
            found += _between(place, was, now)
        elif was is not None:
            found.append(_whole(place, "removed", WEAKER, None, was))
        elif now is not None:
            found.append(_whole(place, "added", STRICTER, None, now))
    return found


def _places(version: Version) -> list[str]:
    """Where policies for a version of a spec may be, from the repository's root, which comes first."""
    parts = version.folder.split("/") if version.folder not in ("", ".") else []
    return ["/".join((*parts[:end], NAME)) for end in range(len(parts) + 1)]


def _read(version: Version, place: str) -> ReadPolicy | None:
    """A policy as it is in a version, None where there is none."""
    assert version.repository is not None
    path = os.path.join(version.repository.root, place)
    name = os.path.relpath(path).replace(os.sep, "/")
    if version.tree is None:
        return from_file(path, name, allowed_reads.around(version.root)) if os.path.lexists(path) else None
    shown = f"{version.label}:{place}"
    entry = version.repository.entry(version.tree, place, shown)
    if entry is None:
        return None
    text = version.repository.read(entry.name, shown, LARGEST) if entry.kind == "blob" else None
    if text is None:
        raise SpecError([unreadable(shown, "is larger than 1 MiB" if entry.kind == "blob" else f"is a {entry.kind}")])
    try:
        return from_text(text, name)
    except SpecError as error:
        raise SpecError(_labelled(error.diagnostics, name, shown), {shown: error.texts[name]}) from None


def _labelled(found: tuple[Diagnostic, ...], name: str, shown: str) -> list[Diagnostic]:
    replace = msgspec.structs.replace
    return [
        one if one.span is None or one.span.file != name else replace(one, span=replace(one.span, file=shown), also=())
        for one in found
    ]


def _whole(place: str, kind: Kind, severity: Severity, old: str | None, read: ReadPolicy | None) -> Change:
    """A policy that came, went, or was none."""
    entries = 0 if read is None else sum(len(getattr(read.policy, name)) for name in read.policy.__struct_fields__)
    said = f"{entries} {'entry' if entries == 1 else 'entries'}"
    span = None if read is None else Span(read.file, 1, 1, 1, 2)
    old = said if kind == "removed" else old
    return _change(kind, place, severity, old, None if kind == "removed" else said, span, span, place)


def _between(place: str, was: ReadPolicy, now: ReadPolicy) -> Iterator[Change]:
    before, after = items(was), items(now)
    reasons = set()
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        spans = (_span(was, old), _span(now, new))
        path = f"{place} {name}"
        if old is None or new is None:
            kind: Kind = "added" if old is None else "removed"
            one = new or old
            assert one is not None
            value = one.shown
            weaker = _is_weaker(one, kind, before, after)
            first, later = (None, value) if old is None else (value, None)
            yield _change(kind, path, WEAKER if weaker else STRICTER, first, later, *spans, place)
            continue
        if old.value != new.value:
            severity: Severity = STRICTER if _stricter(new.direction, old.value, new.value) else WEAKER
            yield _change("changed", path, severity, old.shown, new.shown, *spans, place)
        if old.reason != new.reason and (old.reason, new.reason) not in reasons:
            reasons.add((old.reason, new.reason))
            yield _change("changed", f"{path} reason", OTHER, old.reason, new.reason, *spans, place)


def _change(
    kind: Kind,
    path: str,
    severity: Severity,
    old: Any,
    new: Any,
    base: Span | None,
    head: Span | None,
    place: str,
) -> Change:
    return Change(
        id=compare.identifier(kind, path, old, new),
        kind=kind,
        path=path,
        key=("(policy)", place, path),
        rule="(policy)",
        class_="policy",
        severity=severity,
        old=old,
        new=new,
        base=None if kind == "added" else base,
        head=None if kind == "removed" else head,
        steps=(),
    )


def _span(read: ReadPolicy, item: Item | None) -> Span | None:
    return None if item is None else read.document.span(item.at)


def _is_weaker(item: Item, kind: Kind, before: dict[str, Item], after: dict[str, Item]) -> bool:
    """Whether an entry that came or went makes a policy weaker. One more allowed source does, unless it is the first:
    before, all were allowed; of entries for some specs only, no order is known, and every change counts as weaker."""
    if not item.direction.startswith("allows"):
        return kind == "removed"
    both = [one for one in (*before.values(), *after.values()) if one.direction.startswith("allows")]
    if any(one.direction == "allows some" for one in both):
        return True
    other = before if kind == "added" else after
    has_others = any(one.direction == "allows" for one in other.values())
    return has_others if kind == "added" else not has_others


def _stricter(direction: str, was: Any, now: Any) -> bool:
    """Whether a value asks for more than before; where no direction is known, it does not."""
    match direction:
        case "at_least":
            return bool(now > was)
        case "at_most":
            return bool(now < was)
        case "all_of":
            return set(was) <= set(now)
        case "only":
            return set(now) <= set(was)
    return False
