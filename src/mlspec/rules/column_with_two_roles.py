"""A column has two roles that exclude each other.

Why: a dropped column that is also a feature, or an id that is also a feature: whichever wins, the other statement is
wrong.

Instead: keep the intended role.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Label
from mlspec.rules.context import View

PAIRS = (("features", "drop"), ("sensitive", "drop"))
LISTS = ("features", "sensitive", "drop")


def check(view: View) -> Iterator[Diagnostic]:
    """Features, sensitive columns and the id against what is dropped; the weight against all of them."""
    said = view.project.data.columns
    for one, other in PAIRS:
        first, second = getattr(said, one) or (), getattr(said, other) or ()
        for index, column in enumerate(second):
            if column in first:
                also = Label(
                    view.document.span(("data", "columns", one, first.index(column))), f"listed in '{one}' here"
                )
                yield Diagnostic(
                    code="column-with-two-roles",
                    message=f"'{column}' is listed under both '{one}' and '{other}'",
                    span=view.document.span(("data", "columns", other, index)),
                    label="keep one",
                    also=(also,),
                )
    if said.id is not None and said.id in (said.features or ()):
        path = ("data", "columns", "id")
        yield view.diagnostic("column-with-two-roles", path, f"'{said.id}' is both the id and a feature", "keep one")
    if said.weight is not None:
        others = {"target": (said.target,), "id": (said.id,), **{key: getattr(said, key) for key in LISTS}}
        for key, columns in others.items():
            if said.weight in (columns or ()):
                message = f"'{said.weight}' is the weight of the rows, but is also listed under '{key}'"
                yield view.diagnostic("column-with-two-roles", ("data", "columns", "weight"), message, "keep one")
