"""A diff as workflow commands: GitHub shows each at its line of the pull request.

The host shows ten of a kind in a step and drops the rest silently; so the gravest come first, and the tenth says how
many are not shown.
"""

from mlspec.diagnostics import printable, workflow_command
from mlspec.diff.change import Change, Diff, Overview, Severity
from mlspec.diff.show import words

MOST = 10
KINDS: dict[Severity, str] = {"error": "error", "warning": "warning", "notice": "notice", "info": "notice"}


def github(*diffs: Diff) -> str:
    """The commands, a line each; of several specs as few as of one."""
    lines = []
    for kind in ("error", "warning", "notice"):
        own = [(change, diff) for diff in diffs for change in diff.changes if _kind(change) == kind]
        shown = own if len(own) <= MOST else own[: MOST - 1]
        lines += [_command(kind, change, diff) for change, diff in shown]
        if len(own) > len(shown):
            more = f"{len(own) - len(shown)} more changes of this kind are not shown: mlspec diff lists them"
            lines.append(workflow_command(kind, {"title": "mlspec diff", "file": own[len(shown)][1].head.path}, [more]))
    return "\n".join(lines)


def overview(found: Overview) -> str:
    """The same of all specs of a repository, those that can't be compared first."""
    lost = [
        workflow_command("error", {"title": "mlspec diff", "file": one.path}, (one.unreadable or "").splitlines())
        for one in found.of("unreadable")
    ]
    return "\n".join([*lost, github(*(one.diff for one in found.specs if one.diff is not None))])


def _kind(change: Change) -> str:
    return "notice" if change.accepted is not None else KINDS[change.severity]


def _command(kind: str, change: Change, diff: Diff) -> str:
    places = {"title": f"{change.class_}: {printable(change.path)}", "file": diff.head.path}
    span = change.head
    if span is not None and (span.file == diff.head.path or change.class_ == "policy"):
        places |= {"file": span.file, "line": str(span.line), "col": str(span.column), "endLine": str(span.end_line)}
        if span.end_line == span.line:
            places["endColumn"] = str(span.end_column)
    told = [words.values(change), words.why(change), words.steps(change)]
    if span is None:
        told.append(f"it was in {words.place(change)}")
    if change.accepted is not None:
        told.append(f"accepted: {printable(change.accepted)}")
    return workflow_command(kind, places, [part for part in told if part])
