"""A sensitive column is used as a feature without being listed in `use_sensitive`.

Why: `sensitive` states that no model uses the column; listing it as a feature, or preparing it, would silently break
that.

Instead: remove it from the features, or list it under `data.columns.use_sensitive`, where a reviewer sees it.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Features, preparation and the list of exceptions."""
    said = view.project.data.columns
    hidden = set(said.sensitive) - set(said.use_sensitive)
    way = "list it under data.columns.use_sensitive, or remove it"
    for index, column in enumerate(said.features or ()):
        if column in hidden:
            path: Path = ("data", "columns", "features", index)
            yield view.diagnostic("sensitive-without-saying", path, f"'{column}' is sensitive, but is a feature", way)
    for column in view.project.preprocessing.columns:
        if column in hidden:
            path = ("preprocessing", "columns", column)
            message = f"'{column}' is sensitive and no model uses it, so it needs no preparation"
            yield view.diagnostic("sensitive-without-saying", path, message, way, key=True)
    for index, column in enumerate(said.use_sensitive):
        if column not in said.sensitive:
            path = ("data", "columns", "use_sensitive", index)
            message = f"'{column}' is listed in 'use_sensitive', but not in 'sensitive'"
            yield view.diagnostic("sensitive-without-saying", path, message, "add it to data.columns.sensitive")
