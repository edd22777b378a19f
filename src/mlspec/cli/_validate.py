"""What ``mlspec validate`` does."""

import sys
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from mlspec.cli import WRONG
from mlspec.cli._output import colored, result, show_diagnostics, talk
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.report.paint import paint


class Found(Struct, frozen=True):
    """All diagnostics of the specs that were checked; lines and columns count from 1, ends are exclusive."""

    format_version: Literal[1]
    diagnostics: tuple[Diagnostic, ...]


def validate(
    specs: Sequence[str],
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    form: str = "text",
) -> int:
    """Check specs, print what is wrong with them, and return the exit code."""
    from mlspec import api

    found: list[Diagnostic] = []
    for spec in specs or (None,):
        try:
            checked = api.validate(spec, profile=profile, sets=sets, backend=backend, large=large)
        except SpecError as error:
            diagnostics, texts = error.diagnostics, error.texts
        else:
            diagnostics, texts = checked.diagnostics, dict(checked.document.texts)
            if form == "text":
                name = checked.project.project.name
                talk(f"{paint('valid', '32', colored(sys.stderr))}: {checked.path} ({name})")
        found.extend(diagnostics)
        if form == "text":
            show_diagnostics(diagnostics, texts)
    if form == "json":
        import msgspec

        result(msgspec.json.format(msgspec.json.encode(Found(1, tuple(found))), indent=2).decode())
    elif form == "github":
        for diagnostic in found:
            result(github(diagnostic))
    return WRONG if any(diagnostic.severity == "error" for diagnostic in found) else 0


def github(diagnostic: Diagnostic) -> str:
    """A diagnostic as a workflow command: GitHub shows it at its line of the pull request."""
    told = [diagnostic.message, *([diagnostic.label] if diagnostic.label else []), *diagnostic.notes]
    places = {"title": diagnostic.code}
    span = diagnostic.span
    if span is not None:
        places |= {"file": span.file, "line": str(span.line), "col": str(span.column), "endLine": str(span.end_line)}
        if span.end_line == span.line:
            places["endColumn"] = str(span.end_column)
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in places.items())
    return f"::{'error' if diagnostic.severity == 'error' else 'warning'} {listed}::{_escaped(chr(10).join(told))}"


def _escaped(text: str, more: str = "") -> str:
    for char in ("%", "\r", "\n", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
