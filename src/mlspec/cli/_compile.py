"""What ``mlspec compile`` does."""

import os
import sys
from collections.abc import Sequence

from mlspec.cli import PENDING, _memo
from mlspec.cli._output import colored, result


def show(
    spec: str | None,
    what: str = "tree",
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    output: str | None = None,
    detailed_exitcode: bool = False,
) -> int:
    """Print a compiled spec in one form (see ``_compiled.text``) and return the exit code."""
    from mlspec.specfile import find

    path = find(spec)
    color = output is None and what == "tree" and colored(sys.stdout)
    request = (profile, tuple(sets), backend, large, what, color)
    answer = _memo.recall(path, request)
    if answer is None:
        answer = _make(path, request, profile, sets, backend, large, what, color)
    result(answer.text, output)
    return PENDING if detailed_exitcode and answer.pending else 0


def _make(
    path: str,
    request: Sequence[object],
    profile: str | None,
    sets: Sequence[str],
    backend: str | None,
    large: bool,
    what: str,
    color: bool,
) -> _memo.Answer:
    from mlspec import api
    from mlspec.cli._compiled import text
    from mlspec.cli._output import show_diagnostics

    found = api.compile(path, profile=profile, sets=sets, backend=backend, large=large)
    checked = found.checked
    show_diagnostics(checked.diagnostics, checked.document.texts)
    answer = _memo.Answer(text(found, what, color), found.plan.pending())
    if not checked.diagnostics:
        files = [os.path.join(checked.root, name) for step in found.plan.graph.steps.values() for name in step.files]
        _memo.remember(path, request, files, answer)
    return answer
