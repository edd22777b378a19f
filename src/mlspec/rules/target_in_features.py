"""The target is listed as a feature, dropped, or prepared.

Why: a model that sees the target learns nothing else, and looks perfect until it is used.

Instead: remove the target from the list.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The lists of columns and the preparation."""
    said = view.project.data.columns
    for key in ("features", "drop", "sensitive"):
        listed = getattr(said, key) or ()
        if said.target in listed:
            path: Path = ("data", "columns", key, listed.index(said.target))
            message = f"'{said.target}' is the target, but is also listed under '{key}'"
            yield view.diagnostic("target-in-features", path, message, "remove it from the list")
    if said.target in view.project.preprocessing.columns:
        path = ("preprocessing", "columns", said.target)
        message = f"'{said.target}' is the target, but preparation applies to features only"
        yield view.diagnostic("target-in-features", path, message, "delete this", key=True)
    if said.target == said.id:
        yield view.diagnostic("target-in-features", ("data", "columns", "id"), f"'{said.target}' is both target and id")
