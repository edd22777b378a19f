"""A monotone constraint is on a column that is not a numeric feature, or the task is multiclass.

Why: categories have no order, and with several classes a single probability cannot be monotone.

Instead: use a numeric feature, or delete the entry.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate's `monotone` against the features and the task."""
    from mlspec.rules._roles import roles

    features: dict[str, str] | None = None
    for candidate, use in view.project.model.candidates.items():
        monotone = getattr(use.plugin, "monotone", None)
        if not monotone:
            continue
        at = ("model", "candidates", candidate, "monotone")
        if view.project.project.task == "multiclass_classification":
            message = "monotone constraints do not apply to a multiclass target"
            yield view.diagnostic("monotone-does-not-fit", at, message, "delete it", key=True)
            continue
        if features is None:
            features = {c.name: c.type for c in roles(view.project, view.columns()) if c.role == "feature"}
        for name in monotone:
            kind = features.get(name)
            if kind not in ("integer", "number"):
                message = f"'{name}' is not a feature" if kind is None else f"'{name}' is {kind}, not a number"
                yield view.diagnostic("monotone-does-not-fit", (*at, name), message, key=True)
