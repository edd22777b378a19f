"""A model is larger than `constraints.size` allows before it is trained.

Why: the number of weights of a network is known from the spec; training it would end with a failed gate.

Instead: use a smaller network, or a larger bound.
"""

from collections.abc import Iterator

from mlspec.constraints.size import Size
from mlspec.diagnostics import Diagnostic
from mlspec.plugins.base import Column
from mlspec.plugins.model import Model
from mlspec.rules.context import View
from mlspec.spec.dump import spelled


def check(view: View) -> Iterator[Diagnostic]:
    """The least bytes of each candidate; all of them too large is an error, some a warning."""
    size = view.project.constraints.one(Size)
    task = view.project.project.task
    if size is None or size.model is None or task is None:
        return
    columns = _features(view)
    classes = 0 if task == "regression" else max(2, len(view.facts.target_levels or ()))
    least = {
        name: use.plugin.least_bytes(columns, classes)
        for name, use in view.project.model.candidates.items()
        if isinstance(use.plugin, Model)
    }
    over = {name: n for name, n in least.items() if n is not None and n > size.model}
    severity = "error" if len(over) == len(least) else "warning"
    for name, count in over.items():
        path = ("model", "candidates", name)
        message = (
            f"'{name}' needs at least {round(count / 1000):,}kB, but the model may have {spelled(size.model, 'bytes')}"
        )
        note = "the bound is constraints.size.model"
        yield view.diagnostic(
            "unreachable-size", path, message, "make the model smaller", note, severity=severity, key=True
        )


def _features(view: View) -> tuple[Column, ...]:
    """The features as a network would see them at least: a number each, or a code of at least one level."""
    from mlspec.rules._roles import roles

    return tuple(
        Column(c.name, "code" if c.type in ("category", "boolean") else "number")
        for c in roles(view.project, view.columns())
        if c.role == "feature"
    )
