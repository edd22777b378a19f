"""Fixes that need no decision, applied to a spec's file."""

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from mlspec import edits
from mlspec.diagnostics import Diagnostic, Edit, Fix, SpecError
from mlspec.machine import allowed_reads, whole_files

ROUNDS = 10  # a fix may show what could not be seen before


class Changed(msgspec.Struct, frozen=True):
    """A line that was changed, as it was and as it is; what stands for it now may be several lines."""

    line: int
    before: str
    after: str


class Fixed(msgspec.Struct, frozen=True):
    """What was changed in a file, and how many findings are left that somebody has to decide."""

    path: str
    changes: tuple[Changed, ...]
    left: tuple[Diagnostic, ...]


def fix(spec: str | os.PathLike[str] | None = None, **options: Any) -> Fixed:
    """Apply the safe fixes of everything that is wrong with a spec, and write its file, whole or not at all.

    ``options`` are those of ``validate``. Comments and all else stay as they are. Raises SpecError where the file can't
    be read.
    """
    from mlspec.api.checking import validate
    from mlspec.spec.read import content
    from mlspec.specfile import find

    path = find(spec)
    reads = None if options.get("allow_outside") else allowed_reads.around(os.path.dirname(path) or os.curdir)
    raw = content(path, reads, large=bool(options.get("large")))
    try:
        before = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        before = ""
    text, found = before, list[Diagnostic]()
    for _ in range(ROUNDS):
        try:
            found = list(validate(path, text=text, **options).diagnostics) if before else []
        except SpecError as error:
            found = list(error.diagnostics)
        chosen = safe(found, path)
        if not chosen:
            break
        text = edits.applied(text, chosen)
    changes = tuple(_changes(before, text))
    if changes:
        mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
        with whole_files.output(path) as file:
            file.write(mark + text.encode())
    return Fixed(path, changes, tuple(found))


def safe(found: Iterable[Diagnostic], file: str) -> list[Edit]:
    """The edits of a file that leave nothing to decide."""
    fixes = [_only(diagnostic.fixes) for diagnostic in found]
    edits = [edit for fix in fixes if fix is not None for edit in fix.edits]
    return list(dict.fromkeys(edit for edit in edits if edit.span.file == file))


def _only(fixes: tuple[Fix, ...]) -> Fix | None:
    return fixes[0] if len(fixes) == 1 and fixes[0].safe else None


def _changes(before: str, after: str) -> Iterable[Changed]:
    import difflib

    old, new = before.split("\n"), after.split("\n")
    for kind, first, end, start, stop in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace" and end - first == stop - start:
            for place in range(end - first):
                yield Changed(first + place + 1, old[first + place], new[start + place])
        elif kind != "equal":
            yield Changed(first + 1, "\n".join(old[first:end]), "\n".join(new[start:stop]))
