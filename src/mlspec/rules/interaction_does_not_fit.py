"""The columns of an interaction have the wrong type or role.

Why: a number cannot be multiplied by a category, and a hidden column must not become visible through an interaction.

Instead: use `product` and `ratio` with numbers, `cross` with categories, and only features.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

CODE = "interaction-does-not-fit"
GROUPS = {"integer": "numbers", "number": "numbers", "category": "categories", "boolean": "categories"}


def check(view: View) -> Iterator[Diagnostic]:
    """The role and the type of each column of each interaction."""
    stated = view.project.preprocessing.interactions
    if not stated:
        return
    from mlspec.rules._roles import roles

    known = {column.name: column for column in roles(view.project, view.columns())}
    for index, crossed in enumerate(stated):
        path: Path = ("preprocessing", "interactions", index)
        if len(crossed.kinds) != 1:
            message = "an interaction is one of product, ratio, cross"
            yield view.diagnostic(CODE, path, message, f"given here: {' and '.join(crossed.kinds) or 'none'}")
            continue
        kind = crossed.kinds[0]
        wanted = "categories" if kind == "cross" else "numbers"
        for place, name in enumerate(getattr(crossed, kind)):
            column = known.get(name)
            if column is None:
                continue
            if column.role != "feature":
                message = f"'{name}' is not a feature ({column.role}), so it cannot be part of an interaction"
                yield view.diagnostic(CODE, (*path, kind, place), message, "remove it")
            elif GROUPS.get(column.type) != wanted:
                message = f"a {kind} needs {wanted}, but '{name}' is a {column.type}"
                yield view.diagnostic(CODE, (*path, kind, place), message, "remove it")
