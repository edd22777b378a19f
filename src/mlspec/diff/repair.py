"""Changes of meaning made in one side's text, until it says what both sides say together."""

from collections import Counter
from typing import Any

import msgspec
from msgspec.structs import replace

from mlspec.diagnostics import MlspecError
from mlspec.diff import compare, identity, rewrite
from mlspec.diff.change import Change
from mlspec.diff.comments import Comment, comments
from mlspec.diff.meaning import ORDER, Key
from mlspec.diff.said import ABOVE, BESIDE, END, SLOTS, Said, said
from mlspec.diff.three_way import Side, Three, Together
from mlspec.document import Document, Node, Path

MOST_EDITS = 200
MOST_READ = 5_000_000  # characters: the text is read again after each edit


def rewritten(three: Three, wanted: Together, side: Side, text: str, file: str) -> tuple[str, str] | None:
    """A text with the changes of the other side that it does not have yet: as ours would have it, and as theirs would
    where both clash. ``text`` has the changes of ``side``. None where a change can't be written; what the texts say is
    for the caller to check."""
    other: Side = "theirs" if side == "ours" else "ours"
    source = three.theirs if side == "ours" else three.ours
    try:
        own = said(text, file)
        mine = {change.id for change in compare.changes(three.base.meaning, own.meaning)}
        changes = [one for one in compare.changes(three.base.meaning, source.meaning) if one.id not in mine]
        if len(changes) > MOST_EDITS:
            return None
        # A change of what clashes, of a part of it, or of what it is part of.
        clashes = {key for key in wanted.clashes if key[-1] not in SLOTS.values()}
        around = {key[:end] for key in clashes for end in range(1, len(key) + 1)}
        apart = [
            one.key in around or any(one.key[:end] in clashes for end in range(1, len(one.key))) for one in changes
        ]
        clashing = [one for one, is_apart in zip(changes, apart, strict=True) if is_apart]
        kept = [_of_both(one, wanted, side) for one, is_apart in zip(changes, apart, strict=True) if not is_apart]
        found = _written(own, kept, source, wanted, side, file)
        their_way = found and (_written(found, clashing, source, wanted, other, file) if wanted.clashes else found)
    except (MlspecError, LookupError, ValueError, TypeError):
        return None
    if found is None or their_way is None:
        return None
    return (found.text, their_way.text) if side == "ours" else (their_way.text, found.text)


def _of_both(change: Change, wanted: Together, side: Side) -> Change:
    """A change of a set, with what the other side put in and took out."""
    if change.rule not in identity.SETS or change.key not in wanted.values[side]:
        return change
    return replace(change, new=msgspec.json.decode(wanted.values[side][change.key]))


def _written(onto: Said, changes: list[Change], source: Said, wanted: Together, side: Side, file: str) -> Said | None:
    most = min(MOST_EDITS, MOST_READ // max(1, len(onto.text)))
    text = None if len(changes) > most else rewrite.rewritten(onto.text, onto.meaning, changes, file)
    if text is None:
        return None
    found = said(text, file)
    if _comments_apart(found, wanted.comments[side]) > most:
        return None
    for _ in range(most):
        edit = _profile_edit(found, source, wanted.values[side]) or _comment_edit(found, wanted.comments[side])
        if edit is None:
            return found
        start, end, new = edit
        found = said(found.text[:start] + new + found.text[end:], file)
    return None


def _profile_edit(found: Said, source: Said, wanted: dict[Key, bytes]) -> rewrite.Edit | None:
    """The next edit that brings a profile to what it should say. Raises LookupError where there is none."""
    document = found.meaning.document
    for key in dict.fromkeys((*wanted, *found.values)):
        if key[0] != "profiles" or key[-1] == ORDER or wanted.get(key) == found.values.get(key):
            continue
        if key not in wanted:
            edit = rewrite.without(found.text, document, found.places[key])
        else:
            node = source.meaning.document.node(source.places[key])
            if node is None or source.values[key] != wanted[key]:
                raise LookupError(key)
            edit = rewrite.put(found.text, document, _place(found, document, key), node.plain())
        if edit is None:
            raise LookupError(key)
        return edit
    return None


def _place(found: Said, document: Document, key: Key) -> Path:
    """Where a key is or is to be in a document: a new entry of a list at its end."""
    if key in found.places:
        return found.places[key]
    above = found.places[key[:-1]] if len(key) > 1 else ()
    if not key[-1].startswith("["):
        return (*above, key[-1])
    node = document.node(above)
    return (*above, len(node.value) if node is not None and node.kind == "list" else 0)


def _comment_edit(found: Said, wanted: dict[Key, tuple[str, ...]]) -> rewrite.Edit | None:
    """The next edit that brings the comments to what they should be. Raises LookupError where there is none."""
    lines = found.text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for key in dict.fromkeys((*found.comments, *wanted)):
        here, there = Counter(found.comments.get(key, ())), Counter(wanted.get(key, ()))
        surplus, lacking = list((here - there).elements()), list((there - here).elements())
        if surplus:
            at = found.places[key[:-1]]
            one = next(
                c
                for c in comments(found.meaning.document)
                if (c.at, SLOTS[c.slot], c.text) == (at, key[-1], surplus[0])
            )
            return _without_comment(one, lines, starts, lacking[0] if lacking else None)
        if lacking:
            return _with_comment(found, key, lacking[0], lines, starts)
    return None


def _comments_apart(found: Said, wanted: dict[Key, tuple[str, ...]]) -> int:
    """How many lines of comments are too many or missing."""
    here, there = (Counter((key, line) for key in side for line in side[key]) for side in (found.comments, wanted))
    return max((here - there).total(), (there - here).total())


def _without_comment(one: Comment, lines: list[str], starts: list[int], instead: str | None) -> rewrite.Edit:
    number, column = one.place
    start, line = starts[number] + column, lines[number]
    end = starts[number] + len(line.rstrip("\n"))
    if instead is not None:
        return start, end, instead
    before = line[:column].rstrip()
    return (starts[number] + len(before), end, "") if before else (starts[number], starts[number + 1], "")


def _with_comment(found: Said, key: Key, text: str, lines: list[str], starts: list[int]) -> rewrite.Edit:
    document = found.meaning.document
    at = found.places.get(key[:-1])
    if key[:-1] == () and key[-1] == END:
        return len(found.text), len(found.text), f"{text}\n"
    node = None if at is None else document.node(at)
    if at is None or node is None:
        raise LookupError(key)
    number, column = _start(document, at, node)
    line = lines[number]
    if key[-1] == BESIDE:
        if any(c.place[0] == number for c in comments(document)):
            raise LookupError(key)
        end = starts[number] + len(line.rstrip())
        return end, end, f" {text}"
    if key[-1] == ABOVE and line[:column].strip() in ("", "-"):
        indent = line[: len(line) - len(line.lstrip())]
        return starts[number], starts[number], f"{indent}{text}\n"
    if key[-1] == END and node.kind != "scalar" and node.value:
        first = _start(document, _first(at, node), node.value[0] if node.kind == "list" else node.value[0][1])
        indent = lines[first[0]][: first[1]]
        last = rewrite.last_line(node) + 1
        if first[0] > number and not indent.strip(" -"):
            return starts[last], starts[last], f"{indent.replace('-', ' ')}{text}\n"
    raise LookupError(key)


def _first(at: Path, node: Node) -> Path:
    first: Any = 0 if node.kind == "list" else node.value[0][0].value
    return (*at, first)


def _start(document: Document, at: Path, node: Node) -> tuple[int, int]:
    """Where an entry starts: at its key, where it has one."""
    around = document.node(at[:-1])
    if around is not None and around.kind == "map":
        key: Node = next(key for key, _ in around.value if key.value == at[-1])
        return key.start
    return node.start
