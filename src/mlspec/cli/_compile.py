"""What ``mlspec compile`` does."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlspec.cli import _memo
from mlspec.cli._exit_codes import PENDING
from mlspec.cli._output import colored, form_of, result, say_first_rows

if TYPE_CHECKING:
    from mlspec.api import Compiled


def show(
    spec: str | None,
    what: str = "tree",
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    allow_outside: bool = False,
    output: str | None = None,
    detailed_exitcode: bool = False,
    confine: Callable[[], None] = lambda: None,
) -> int:
    """Print a compiled spec in one form (see ``_compiled.text``) and return the exit code.

    ``confine`` is called before the spec is read: an answer that is printed again needs none of it.
    """
    from mlspec.specfile import find

    path = find(spec)
    color = output is None and what == "tree" and colored(sys.stdout)
    request = (profile, tuple(sets), backend, large, allow_outside, what, color)
    answer = _memo.recall(path, request)
    if answer is None:
        confine()
        answer = _make(path, request, profile, sets, backend, large, allow_outside, what, color)
    say_first_rows(answer.heads)
    result(answer.text, output, path, form=form_of(what.partition(" ")[0]))
    return PENDING if detailed_exitcode and answer.pending else 0


def _make(
    path: str,
    request: Sequence[object],
    profile: str | None,
    sets: Sequence[str],
    backend: str | None,
    large: bool,
    allow_outside: bool,
    what: str,
    color: bool,
) -> _memo.Answer:
    from mlspec import api
    from mlspec.cli._compiled import text
    from mlspec.cli._output import show_diagnostics

    found = api.compile(path, profile=profile, sets=sets, backend=backend, large=large, allow_outside=allow_outside)
    checked = found.checked
    show_diagnostics(checked.diagnostics, checked.document.texts)
    answer = _memo.Answer(text(found, what, color), found.plan.pending(), checked.facts.heads)
    if not checked.diagnostics:
        _memo.remember(path, request, _files(found), answer)
    return answer


def _files(found: "Compiled") -> Iterator[str]:
    """What an answer was made from: policies, files that steps read, the folders that others could come to, snapshots,
    and keys in environment variables."""
    from mlspec.policy import files
    from mlspec.spec import pinned

    root = str(found.checked.root)
    yield from files.places(root)
    for step in found.plan.graph.steps.values():
        yield from (f"{_memo.ENVIRONMENT}{name}" for name in step.params.get("keys", ()))
        for name in step.files:
            path = os.path.join(root, name)
            yield os.path.join(path, "") if os.path.isdir(path) else path
            folder = os.path.dirname(name)
            while step.kind == "source" and len(step.files) > 1 and folder:
                yield os.path.join(root, folder)
                folder = os.path.dirname(folder)
    for name in found.checked.facts.snapshots:
        for file in (pinned.LATEST, pinned.FALLBACK):
            yield str(pinned.folder(found.checked.root, name) / file)
