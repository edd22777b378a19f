"""A direct identifier is a feature.

Why: a model that sees identities memorises rows, and names are then copied with the model.

Instead: remove it from the features; with a pseudonym (`action: {hash: KEY}`), rows can still be split by group.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules import _roles
from mlspec.rules.context import View
from mlspec.spec import combining

CODE = "identifier-as-feature"


def check(view: View) -> Iterator[Diagnostic]:
    """Features, what is derived, and preparation."""
    naming = _roles.naming(view.project)
    for index, column in enumerate(view.project.data.columns.features or ()):
        if column in naming:
            path: Path = ("data", "columns", "features", index)
            yield view.diagnostic(CODE, path, f"'{column}' identifies people, but is a feature", "remove it")
    features = view.project.data.columns.features
    left_out = {*view.project.data.columns.drop, view.project.data.columns.id, view.project.data.split.column}
    for name, text in view.project.data.derive.items():
        read = sorted(naming.intersection(combining.names(text)))
        if read and (name in features if features is not None else name not in left_out):
            message = f"the feature '{name}' is computed from '{read[0]}', which identifies people"
            yield view.diagnostic(CODE, ("data", "derive", name), message, "remove it, or drop it from the features")
    for column in view.project.preprocessing.columns:
        if column in naming:
            path = ("preprocessing", "columns", column)
            message = f"'{column}' identifies people and no model uses it, so it needs no preparation"
            yield view.diagnostic(CODE, path, message, "remove it", key=True)
