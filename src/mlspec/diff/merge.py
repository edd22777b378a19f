"""Two edits of one spec -> one, by what they mean: only changes of the same thing clash, and nothing is lost."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, MlspecError
from mlspec.diff import compare, nested
from mlspec.diff.meaning import ORDER, Key, Meaning, meaning
from mlspec.diff.meaning import text as path_text
from mlspec.diff.merged_faults import faults
from mlspec.diff.repair import rewritten
from mlspec.diff.said import ABOVE, BESIDE, END, Said, said
from mlspec.diff.same_names import same_names
from mlspec.diff.show.words import value as words
from mlspec.diff.text_merge import joined, marked, one_side
from mlspec.diff.three_way import Side, Three, Together, missing, together
from mlspec.document import parse
from mlspec.spec.load import load

CODE = "merge-conflict"
BOM = "\ufeff"
SLOTS = {ABOVE: "the comment above", BESIDE: "the comment beside", END: "the comment at the end of"}


class Merged(Struct, frozen=True):
    """The text of the merge; ``clashes`` are listed one by one, and are in the text between git's markers."""

    text: str
    clashes: tuple[Diagnostic, ...] = ()


def merge(base: str, ours: str, theirs: str, file: str = "project.yaml") -> Merged:
    """One text with the edits of both sides: values, profiles, comments and notes.

    It says exactly what the two say together, and has no error that neither of them has; else there is a clash, and
    the text has both sides between git's markers. Raises SpecError where one of the three is no spec.
    """
    if base == theirs or ours == theirs:
        return Merged(ours)
    if base == ours:
        return Merged(theirs)
    found = _merged(_plain(base), _plain(ours), _plain(theirs), file)
    text = found.text if ours.endswith("\n") else found.text.removesuffix("\n")
    if "\r\n" in ours and ours.count("\r\n") == ours.count("\n"):
        text = text.replace("\n", "\r\n")
    return Merged(BOM + text if ours.startswith(BOM) else text, found.clashes)


def meant(text: str, file: str) -> Meaning:
    """What a spec says by itself, without a look at its data. Raises SpecError."""
    document = parse(text, file)
    return meaning(load(document), document)


def _plain(text: str) -> str:
    text = text.removeprefix(BOM).replace("\r\n", "\n")
    return text if text.endswith("\n") else f"{text}\n"


def _merged(base: str, ours: str, theirs: str, file: str) -> Merged:
    names = same_names(base, ours, theirs, file)
    three = Three(*(said(text, file) for text in (names.base, names.ours, names.theirs)))
    wanted = together(three)
    clashes = [*(_clash(three, key) for key in wanted.clashes), *(_renamed(key) for key in names.clashes)]
    pair = None if names.clashes else _texts(three, wanted, file)
    if pair is None:
        return Merged(marked(ours, theirs), tuple(clashes or [_unwritten()]))
    if clashes:
        return Merged(marked(*pair) if pair[0] != pair[1] else marked(ours, theirs), tuple(clashes))
    wrong = faults(pair[0], (names.ours, names.theirs), file)
    if wrong:
        return Merged(marked(ours, pair[0]), tuple(_invalid(one) for one in wrong))
    return Merged(pair[0])


def _texts(three: Three, wanted: Together, file: str) -> tuple[str, str] | None:
    """The merged text as each side would have it where they clash, each saying exactly what it should; None where no
    way of writing it does."""
    for pair in _attempts(three, wanted, file):
        try:
            if missing(said(pair[0], file), wanted, "ours", three) is not None:
                continue
            if not wanted.clashes or missing(said(pair[1], file), wanted, "theirs", three) is None:
                return pair
        except MlspecError:
            continue
    return None


def _attempts(three: Three, wanted: Together, file: str) -> Iterator[tuple[str, str]]:
    """Ways to write the merge: the lines and words of both; else changes of meaning made in one of the texts."""
    texts = (three.base.text, three.ours.text, three.theirs.text)
    starts: list[tuple[Side, str]] = []
    for ours_first in (True, False):
        parts = joined(*texts, ours_first=ours_first)
        if parts is not None:
            yield one_side(parts, 0), one_side(parts, 1)
            starts += [("ours", one_side(parts, 0)), ("theirs", one_side(parts, 1))]
    for side, text in dict.fromkeys((*starts, ("ours", three.ours.text), ("theirs", three.theirs.text))):
        found = rewritten(three, wanted, side, text, file)
        if found is not None:
            yield found


def _clash(three: Three, key: Key) -> Diagnostic:
    """What both sides changed, with what each made of it."""
    message = f"both changed {_named(key)}"
    notes = (f"ours: {_became(three, three.ours, key)}", f"theirs: {_became(three, three.theirs, key)}")
    at = three.ours.places.get(key[:-1] if key[-1] in SLOTS else key)
    span = None if at is None else three.ours.meaning.document.span(at)
    return Diagnostic(code=CODE, message=message, span=span, label="in ours", notes=notes)


def _named(key: Key) -> str:
    if key[-1] in SLOTS:
        return f"{SLOTS[key[-1]]} {path_text(key[:-1]) or 'the file'}"
    return path_text(key[:-1]) + " (order)" if key[-1] == ORDER else path_text(key)


def _became(three: Three, side: Said, key: Key) -> str:
    """What a side made of something: the first differences in it where it is a whole."""
    was, now = (_shown(one, key) for one in (three.base, side))
    if was is None and now is None:
        return "nothing there"
    if was is None or now is None:
        return f"+ {now}" if was is None else f"- {was}"
    if was != now:
        return f"{was} -> {now}"
    notes = [one for one in {**three.base.comments, **side.comments} if one != key and one[: len(key)] == key]
    for note in notes:
        if three.base.comments.get(note) != side.comments.get(note):
            return f"{_named(note)}: {_became(three, side, note)}"
    return "unchanged"


def _shown(side: Said, key: Key) -> str | None:
    if key[-1] in SLOTS:
        lines = side.comments.get(key)
        return None if lines is None else words("; ".join(lines))
    leaf = side.meaning.leaves.get(key)
    if leaf is not None:
        return words(compare.shown(leaf))
    if key in side.meaning.entities:
        return words(nested.entry(side.meaning, key))
    node = side.meaning.document.node(side.places[key]) if key in side.places else None
    found: Any = None if node is None else node.plain()
    return None if node is None else "null" if found is None else words(found)


def _renamed(key: Key) -> Diagnostic:
    message = f"both changed {path_text(key)}"
    note = "one side renamed it, the other removed it or gave it another name"
    return Diagnostic(code=CODE, message=message, notes=(note,))


def _invalid(one: Diagnostic) -> Diagnostic:
    message = f"each side is valid, but not both together: {one.code}: {one.message}"
    return Diagnostic(code=CODE, message=message, label=one.label, notes=one.notes)


def _unwritten() -> Diagnostic:
    message = "the edits of both sides can't be written as one text without losing something of them"
    return Diagnostic(code=CODE, message=message, notes=("all lines that differ are between markers",))
