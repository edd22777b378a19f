"""`model.accept` or `model.checks` names an unknown check.

Why: with a misspelled name, the finding is not accepted and its reason is not shown, or it does not end the run.

Instead: use the name of the check in the report and in `docs/debugging.md`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The names under `model.accept` and `model.checks`."""
    from mlspec.spec.model import CHECKS

    model = view.project.model
    for key, names in (("accept", model.accept), ("checks", {} if isinstance(model.checks, str) else model.checks)):
        for name in names:
            if name not in CHECKS:
                from mlspec.spec import suggest

                label = suggest.label(name, CHECKS)
                yield view.diagnostic(
                    "unknown-check", ("model", key, name), f"there is no check '{name}'", label, key=True
                )
