"""Changes that are accepted knowingly: by a note in the spec, or on the command line, each with its reason."""

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.diff.change import MEANS, Change, Unused

_NOTE = re.compile(r"(?:^|\s)#\s*mlspec-allow\s+(\S.*?)\s*:\s+(\S.*?)\s*$")
NOTE = "# mlspec-allow CLASS: REASON on the changed line or the line above; or PATH in place of CLASS, anywhere"


class Acceptance(Struct, frozen=True):
    """What is accepted: a class, a change's path or id; why; and where that is in the spec, None for an option."""

    what: str
    reason: str
    where: Span | None = None


def options(given: Sequence[str]) -> list[Acceptance]:
    """Acceptances from ``--allow WHAT=REASON``. Raises SpecError for one without a reason."""
    found = []
    for text in given:
        what, _, reason = text.rpartition("=") if text.count("=") == 1 else text.partition("=")
        if not what.strip() or not reason.strip():
            message = f"--allow takes WHAT=REASON, not '{text}'"
            note = "WHAT is a class, a change's path or its id; the reason is shown beside it"
            raise SpecError([Diagnostic(code="bad-allow", message=message, notes=(note,))])
        found.append(Acceptance(what.strip(), reason.strip()))
    return found


def notes(text: str, file: str) -> list[Acceptance]:
    """Acceptances in a spec's comments. Raises SpecError for a note that has no reason."""
    found, wrong = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if "mlspec-allow" not in line:
            continue
        note = _NOTE.search(line)
        at = line.index("mlspec-allow")
        span = Span(file, number, at + 1, number, len(line.rstrip()) + 1)
        if note is not None:
            found.append(Acceptance(note[1], note[2], span))
        elif re.search(r"(?:^|\s)#\s*mlspec-allow\b", line):
            message, label = "a note that accepts a change needs a reason", "write '# mlspec-allow CLASS: REASON'"
            wrong.append(Diagnostic(code="bad-allow", message=message, span=span, label=label, notes=(NOTE,)))
    if wrong:
        raise SpecError(wrong, {file: text})
    return found


def uncounted(given: Sequence[Acceptance], count: bool) -> list[str]:
    """What to say of notes that accept nothing because only options count."""
    said = "this note accepts nothing here, its author can't accept changes"
    return [
        f"{one.where.file}:{one.where.line} mlspec-allow {one.what}: {one.reason} ({said})"
        for one in given
        if one.where is not None and not count
    ]


def accepted(changes: Sequence[Change], given: Sequence[Acceptance]) -> tuple[tuple[Change, ...], tuple[Unused, ...]]:
    """The changes, those that are accepted with the reason; and the acceptances that accept nothing."""
    used: set[int] = set()
    found = []
    for change in changes:
        fits = [index for index, one in enumerate(given) if _fits(one, change)]
        used.update(fits)
        found.append(replace(change, accepted=given[fits[0]].reason) if fits else change)
    unused = [Unused(what=one.what, reason=one.reason, where=one.where) for i, one in enumerate(given) if i not in used]
    return tuple(found), tuple(unused)


def _fits(one: Acceptance, change: Change) -> bool:
    if one.what in (change.path, change.id):
        return True
    if one.what not in MEANS or one.what != change.class_:
        return False
    if one.where is None:
        return True
    # A class in a note accepts only the change at its place.
    head = change.head
    return head is not None and head.file == one.where.file and head.line - 1 <= one.where.line <= head.line
