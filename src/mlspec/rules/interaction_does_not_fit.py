"""Columns of an interaction don't go together.

Why: a number times a name does not exist, and a column that no model sees must not come in through its product with
another.

Instead: `product` and `ratio` of numbers, `cross` of categories, features all of them.
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
