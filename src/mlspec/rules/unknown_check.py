"""A finding is accepted that no check makes.

Why: what is accepted by a misspelled name is still found, and the reason for it is shown nowhere.

Instead: use the check's name, as the report and `docs/debugging.md` have it.
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
