"""A metric is listed twice.

Why: results are stored by the metric's name, so the second would overwrite the first.

Instead: delete one.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Label
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The list of metrics."""
    first: dict[str, int] = {}
    for index, use in enumerate(view.project.evaluation.metrics or ()):
        before = first.setdefault(use.name, index)
        if before != index:
            yield Diagnostic(
                code="metric-named-twice",
                message=f"metric '{use.name}' is listed twice",
                span=view.document.span(("evaluation", "metrics", index)),
                label="delete one",
                also=(Label(view.document.span(("evaluation", "metrics", before)), "first listed here"),),
            )
