"""There are no features.

Why: if all columns are dropped, sensitive, or have another role, there is nothing to fit.

Instead: keep at least one column as a feature.
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
