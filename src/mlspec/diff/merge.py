"""Two edits of one spec -> one, by what they mean: only changes of the same thing clash."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, MlspecError
from mlspec.diff import compare, identity, nested, rewrite
from mlspec.diff.change import Change
from mlspec.diff.meaning import ORDER, Meaning, meaning
from mlspec.diff.show import words
from mlspec.document import Document, parse
from mlspec.spec.load import load

OURS, THEIRS = "ours", "theirs"


class Merged(Struct, frozen=True):
    """The text of the merge; ``clashes`` are listed one by one, and are in the text between git's markers."""

    text: str
    clashes: tuple[Diagnostic, ...] = ()


def merge(base: str, ours: str, theirs: str, file: str = "project.yaml") -> Merged | None:
    """Our text with their changes of meaning; None where that can't be written so that it surely says so.

    Raises SpecError where one of the three is no spec.
    """
    before, one, other = (meant(text, file) for text in (base, ours, theirs))
    mine, yours = compare.changes(before, one), compare.changes(before, other)
    clashing = [(own, change) for change in yours for own in mine if _clash(own, change)]
    clashed = {change.id for _, change in clashing}
    same = {change.id for change in mine}
    wanted = [_together(change, mine) for change in yours if change.id not in clashed | same]
    clean = _written(ours, one, wanted, file)
    if clean is None or not clashing:
        return None if clean is None else Merged(clean)
    # Where two changes clash, their words are beside ours, as git would put them.
    forced = [change for change in yours if change.id in clashed]
    their_way = _written(clean, meant(clean, file), forced, file)
    if their_way is None:
        return None
    return Merged(_marked(clean, their_way), tuple(_told(own, change) for own, change in clashing))


def meant(text: str, file: str) -> Meaning:
    """What a spec says by itself, without a look at its data. Raises SpecError."""
    document = parse(text, file)
    return meaning(load(document), document)


def _clash(own: Change, other: Change) -> bool:
    """Whether two changes are of the same thing, or one of a part of what the other takes away, and not the same."""
    if own.id == other.id:
        return False
    short = min(len(own.key), len(other.key))
    if own.key[:short] != other.key[:short]:
        return _renamed_under(own, other) or _renamed_under(other, own)
    if own.key == other.key:
        return own.rule not in identity.SETS and own.kind != "renamed"
    whole = own if len(own.key) == short else other
    return whole.kind in ("removed", "added", "changed", "renamed")


def _renamed_under(renamed: Change, other: Change) -> bool:
    """Whether one is called otherwise what the other changes under the old name."""
    return renamed.kind == "renamed" and other.key[: len(renamed.key)] == (*renamed.key[:-1], str(renamed.old))


def _together(change: Change, mine: Sequence[Change]) -> Change:
    """Their change of a set, with what we put in and took out."""
    own = next((one for one in mine if one.key == change.key), None)
    if own is None or change.rule not in identity.SETS:
        return change
    sets = [set(side or ()) for side in (change.old, own.new, change.new)]
    return replace(change, new=sorted((sets[1] & sets[2]) | (sets[1] - sets[0]) | (sets[2] - sets[0])))


def _written(text: str, of: Meaning, changes: Sequence[Change], file: str) -> str | None:
    """A text with changes made in it, None where it does not then say exactly what it should."""
    try:
        wanted = says(nested.project(nested.apply(nested.tree(of), changes)), of.document)
        made = rewrite.rewritten(text, of, changes, file)
        return made if made is not None and says(load(parse(made, file)), of.document) == wanted else None
    except (MlspecError, LookupError, ValueError, TypeError):
        return None


def says(project: Any, document: Document) -> dict[Any, Any]:
    """All that a project says, to be compared; the order of a list only where it changes results."""
    found = meaning(project, document)
    leaves = {key: leaf.value for key, leaf in found.leaves.items() if key[-1] != ORDER or key[0] == "preprocessing"}
    return leaves | dict.fromkeys(found.entities)


def _marked(ours: str, theirs: str) -> str:
    """Two texts as one, git's conflict markers around the lines that differ."""
    from difflib import SequenceMatcher

    one, other = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    made: list[str] = []
    for tag, low, high, start, end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            made += one[low:high]
        else:
            made += [f"<<<<<<< {OURS}\n", *one[low:high], "=======\n", *other[start:end], f">>>>>>> {THEIRS}\n"]
    return "".join(made)


def _told(own: Change, other: Change) -> Diagnostic:
    message = f"both changed {own.path if len(own.key) <= len(other.key) else other.path}"
    notes = [f"ours: {words.values(own)}", f"theirs: {words.values(other)}"]
    return Diagnostic(code="merge-conflict", message=message, span=own.head, label="in ours", notes=tuple(notes))
