"""A blend is impossible: there is only one candidate, or a candidate has the name `blend`.

Why: a blend is a weighted mean of at least two candidates, and competes with them under the name `blend`.

Instead: add a candidate, rename it, or delete `model.ensemble`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The candidates where a blend is asked for."""
    model = view.project.model
    if model.ensemble == "none":
        return
    if len(model.candidates) < 2:
        message = "a blend needs at least two candidates"
        yield view.diagnostic("blend-needs-candidates", ("model", "ensemble"), message, "add another candidate")
    if "blend" in model.candidates:
        message = "the name 'blend' is reserved for the blend of the candidates"
        path = ("model", "candidates", "blend")
        yield view.diagnostic("blend-needs-candidates", path, message, "rename this candidate", key=True)
