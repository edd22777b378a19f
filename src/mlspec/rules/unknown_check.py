"""`model.accept` names an unknown check.

Why: with a misspelled name, the finding is not accepted, and its reason is not shown.

Instead: use the name of the check in the report and in `docs/debugging.md`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The names under `model.accept`."""
    from mlspec.spec.model import CHECKS

    for name in view.project.model.accept:
        if name not in CHECKS:
            from mlspec.spec import suggest

            label = suggest.label(name, CHECKS)
            yield view.diagnostic(
                "unknown-check", ("model", "accept", name), f"there is no check '{name}'", label, key=True
            )
