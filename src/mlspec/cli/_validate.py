"""What ``mlspec validate`` does."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from mlspec.cli._exit_codes import WRONG
from mlspec.cli._output import colored, result, say_first_rows, show_diagnostics, talk
from mlspec.diagnostics import Diagnostic, SpecError, printable, workflow_command
from mlspec.formatting import count

if TYPE_CHECKING:
    from mlspec.api import Fixed

BINDINGS = {
    "gate": "decided by a gate",
    "measured": "measured and shown",
    "compiled": "checked before a run",
    "monitored": "judged in service by mlspec monitor",
    "nothing": "not checked",
}


class Stated(Struct, frozen=True):
    """Something that a spec requires of the model: its name, the file, what it is bound to, why it is waived."""

    requirement: str
    file: str
    binding: Literal["gate", "measured", "compiled", "monitored", "nothing"]
    waived: str = ""


class Found(Struct, frozen=True):
    """All diagnostics of the specs that were checked; lines and columns count from 1, ends are exclusive.

    ``requirements``: what those without mistakes require.
    """

    format_version: Literal[1]
    diagnostics: tuple[Diagnostic, ...]
    requirements: tuple[Stated, ...] = ()


def validate(
    specs: Sequence[str],
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    allow_outside: bool = False,
    form: str = "text",
    listing: bool = False,
    schema: bool = False,
    fix: bool = False,
) -> int:
    """Check specs (``schema``: by the published JSON Schema too; ``fix``: after applying what is safe), print what is
    wrong with them (``listing``: and what they require), and return the exit code."""
    from mlspec import api
    from mlspec.spec.requirements import requirements

    found: list[Diagnostic] = []
    stated: list[Stated] = []
    options: dict[str, Any] = {"profile": profile, "sets": sets, "backend": backend, "large": large}
    options["allow_outside"] = allow_outside
    for spec in specs or (None,):
        try:
            if fix:
                show_fixed(api.fix(spec, **options))
            checked = api.validate(spec, schema=schema, **options)
        except SpecError as error:
            diagnostics, texts = error.diagnostics, error.texts
        else:
            diagnostics, texts = checked.diagnostics, dict(checked.document.texts)
            own = [Stated(one.id, checked.path, one.binding, one.waived) for one in requirements(checked.project)]
            stated += own
            if form == "text":
                name = checked.project.project.name
                talk(f"{valid()}: {printable(checked.path)} ({name}){share(own)}")
                say_first_rows(checked.facts.heads)
            if form == "text" and listing:
                for one in own:
                    text = f" (waived: {printable(one.waived)})" if one.waived else ""
                    result(printable(f"{one.requirement}: {BINDINGS[one.binding]}") + text)
        found.extend(diagnostics)
        if form == "text":
            show_diagnostics(diagnostics, texts)
    if form == "json":
        import msgspec

        result(
            msgspec.json.format(msgspec.json.encode(Found(1, tuple(found), tuple(stated))), indent=2).decode(),
            form="json",
        )
    elif form == "github":
        for diagnostic in found:
            result(github(diagnostic), form="commands")
    elif form == "markdown":
        from pathlib import Path

        from mlspec.diff.show.findings import findings
        from mlspec.specfile import find

        result(findings(found, [Path(find(spec)).as_posix() for spec in specs or (None,)]), form="data")
    return WRONG if any(diagnostic.severity == "error" for diagnostic in found) else 0


def show_fixed(fixed: "Fixed") -> None:
    """Print each line that was changed, as it was and as it is."""
    for one in fixed.changes:
        for mark, text in (("-", one.before), ("+", one.after)):
            for line in text.split("\n") if text else ():
                talk(f"{printable(fixed.path)}:{one.line}: {mark} {printable(_hidden(line))}")
    left = f"; {len(fixed.left)} left to decide" if fixed.left else ""
    done = (
        f"fixed {printable(fixed.path)}: {count(len(fixed.changes), 'line')} changed"
        if fixed.changes
        else "nothing to fix"
    )
    talk(done + left)


def _hidden(line: str) -> str:
    from mlspec.sources._secrets import masked

    return masked(line.rstrip("\r"))


def valid() -> str:
    """The word, green where there is colour."""
    if not colored(sys.stderr):
        return "valid"
    from mlspec.report.terminal.paint import paint

    return paint("valid", "32", color=True)


def share(stated: Sequence[Stated]) -> str:
    """How much of what is required is bound to a check, to be put behind a spec's name."""
    if not stated:
        return ""
    bound, waived = sum(one.binding != "nothing" for one in stated), sum(bool(one.waived) for one in stated)
    text = f"{len(stated)} requirement{'s' if len(stated) > 1 else ''}, {bound / len(stated):.0%} bound to a check"
    return f": {text}{f', {waived} waived' if waived else ''}"


def github(diagnostic: Diagnostic) -> str:
    """A diagnostic as a workflow command: GitHub shows it at its line of the pull request."""
    text = [diagnostic.message, *([diagnostic.label] if diagnostic.label else []), *diagnostic.notes]
    kind = "error" if diagnostic.severity == "error" else "warning"
    places = {"title": diagnostic.code}
    span = diagnostic.span
    if span is not None:
        places |= {"file": span.file, "line": str(span.line), "col": str(span.column), "endLine": str(span.end_line)}
        if span.end_line == span.line:
            places["endColumn"] = str(span.end_column)
    return workflow_command(kind, places, text)
