"""A model's `monotone` names a column that can't have one direction, or the task has none.

Why: "the more, the likelier" needs a number that can be more and one thing that becomes likelier; what a model can't
keep to must not look promised.

Instead: name numeric features, or categories with an order (`preprocessing.columns.NAME: [order: [...]]`); for several
classes leave `monotone` out.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View

CODE = "monotone-does-not-fit"


def check(view: View) -> Iterator[Diagnostic]:
    """The role and the type of each column, and the task."""
    project = view.project
    stated = [(name, m) for name, use in project.model.candidates.items() if (m := getattr(use.plugin, "monotone", {}))]
    if not stated:
        return
    from mlspec.rules.check import roles

    known = {column.name: column for column in roles(project, view.columns())}
    ordered = {
        name for name, steps in project.preprocessing.columns.items() if any(use.name == "order" for use in steps)
    }
    for candidate, monotone in stated:
        path = ("model", "candidates", candidate, "monotone")
        if project.project.task == "multiclass_classification":
            message = "`monotone` says which way one thing goes, this task has several classes"
            yield view.diagnostic(CODE, path, message, "leave it out", key=True)
            continue
        for name in monotone:
            column = known.get(name)
            if column is None:
                continue
            if column.role != "feature":
                message = f"'{name}' is no feature ({column.role}), no model sees it"
                yield view.diagnostic(CODE, (*path, name), message, "leave it out", key=True)
            elif column.type not in ("integer", "number") and name not in ordered:
                message = f"'{name}' is a {column.type}, only numbers go up and down"
                yield view.diagnostic(CODE, (*path, name), message, "leave it out, or give it an order", key=True)
