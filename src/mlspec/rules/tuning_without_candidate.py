"""`tuning` names an unknown candidate.

Why: only candidates can be tuned.

Instead: use one of `model.candidates`, or add the candidate there.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Every key of the section against the candidates."""
    if not view.project.tuning:
        return
    from mlspec.spec import suggest

    candidates = list(view.project.model.candidates)
    for name in view.project.tuning:
        if name not in candidates:
            message = f"'{name}' is tuned, but there is no such candidate"
            label = suggest.label(name, candidates)
            yield view.diagnostic("tuning-without-candidate", ("tuning", name), message, label, key=True)
