"""No column is left for a model to learn from.

Why: with all columns dropped, sensitive, or otherwise spoken for, there is nothing to fit.

Instead: leave at least one feature.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The columns that are features in the end."""
    from mlspec.rules._roles import roles

    schema = view.columns()
    if schema and not any(column.role == "feature" for column in roles(view.project, schema)):
        path = ("data", "columns")
        yield view.diagnostic(
            "empty-features", path, "there are no features", "keep at least one column as a feature", key=True
        )
