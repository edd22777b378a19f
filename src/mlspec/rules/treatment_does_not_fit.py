"""An anonymiser does not fit its column.

Why: a date has no numeric ranges, and the target must not be changed.

Instead: use an anonymiser for the column's type (`mlspec explain` has a page for each).
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.base import Column
from mlspec.rules.context import View

NUMERIC = ("integer", "number")
CODE = "treatment-does-not-fit"


def check(view: View) -> Iterator[Diagnostic]:
    """Each anonymiser with its column."""
    from mlspec.rules import _roles

    said = view.project.data.columns
    for name, action in _roles.treatments(view.project).items():
        kind = view.facts.raw_types.get(name)
        use = view.project.data.personal[name].action
        if kind is None or use is None:
            continue
        at, column = ("data", "personal", name, "action"), Column(name, kind)
        if action.accepts and kind not in action.accepts:
            message = f"'{use.name}' accepts {', '.join(sorted(action.accepts))}, but '{name}' is of type {kind}"
            yield view.diagnostic(CODE, at, message, "use another action, or set the column's type")
        elif action.mistake(column):
            yield view.diagnostic(CODE, at, f"'{name}' cannot be anonymised like this", action.mistake(column))
        elif name == said.target and use.name != "drop" and not (action.output(column) == column and kind in NUMERIC):
            message = f"'{name}' is the target: '{use.name}' would change what is predicted"
            yield view.diagnostic(CODE, at, message, "keep it with a reason, or anonymise it before mlspec reads it")
