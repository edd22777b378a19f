"""A column that names people is a feature.

Why: a model that sees who somebody is learns rows by heart, and carries names to wherever it is copied.

Instead: leave it out of the features; by a pseudonym (`action: {hash: KEY}`) rows can still be split by group.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

CODE = "identifier-as-feature"


def check(view: View) -> Iterator[Diagnostic]:
    """Features and preparation."""
    naming = {name for name, personal in view.project.data.personal.items() if personal.kind == "direct_identifier"}
    for index, column in enumerate(view.project.data.columns.features or ()):
        if column in naming:
            path: Path = ("data", "columns", "features", index)
            yield view.diagnostic(CODE, path, f"'{column}' names people, and is a feature", "leave it out")
    for column in view.project.preprocessing.columns:
        if column in naming:
            path = ("preprocessing", "columns", column)
            message = f"'{column}' names people, no model sees it, and yet it is prepared"
            yield view.diagnostic(CODE, path, message, "leave it out", key=True)
