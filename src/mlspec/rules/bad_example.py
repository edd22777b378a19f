"""An example request is invalid, or has no expected answer.

Why: the exported model predicts examples as they are written; an example without an expected answer, or with one that
the model never gives, checks nothing.

Instead: give `answer` (a class) for classification, `at_least` or `at_most` (a number, or the probability of the
positive class) otherwise; use columns of the model, with values of their type.
"""

from collections.abc import Iterator
from typing import Any

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View

FITS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "category": (str, int, float, bool),
    "image": (str,),
}


def check(view: View) -> Iterator[Diagnostic]:
    """Each example against the columns, the task and the classes."""
    from mlspec.rules._roles import roles

    task, levels = view.project.project.task, view.facts.target_levels
    examples = view.project.project.users.examples
    columns = {column.name: column for column in roles(view.project, view.columns())} if examples else {}
    mitigation = view.project.model.mitigation
    asked = mitigation.group if mitigation is not None and mitigation.method == "thresholds" else ()
    for index, example in enumerate(examples):
        at = ("project", "users", "examples", index)
        bounded = example.at_least is not None or example.at_most is not None
        if example.answer is None and not bounded:
            label = "add at_least or at_most" if task == "regression" else "add answer"
            yield view.diagnostic("bad-example", at, "this example has no expected answer", label)
        if example.answer is not None:
            if task == "regression":
                message = "a regression predicts numbers, not classes"
                yield view.diagnostic("bad-example", (*at, "answer"), message, "use at_least or at_most", key=True)
            elif levels is not None and view.facts.all_rows_seen and example.answer not in levels:
                message = f"no row has the class '{example.answer}'"
                yield view.diagnostic("bad-example", (*at, "answer"), message, f"classes: {', '.join(levels)}")
        if bounded and task == "multiclass_classification":
            key = "at_least" if example.at_least is not None else "at_most"
            message = "a multiclass task has no positive class: an example can only state `answer`"
            yield view.diagnostic("bad-example", (*at, key), message, "use answer", key=True)
        for name, value in example.row.items():
            column = columns.get(name)
            if column is None:
                continue
            if column.role != "feature" and name not in asked:
                message = f"the model does not use '{name}' ({_article(column.role)})"
                yield view.diagnostic("bad-example", (*at, "row", name), message, "delete it", key=True)
            elif value is not None and not _fits(value, column.type):
                message = f"'{name}' is of type {column.type}, this value is not"
                yield view.diagnostic("bad-example", (*at, "row", name), message)


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind in ("integer", "number"):
        return False
    if kind in ("date", "datetime"):
        return isinstance(value, str) and _is_moment(value)
    return isinstance(value, FITS.get(kind, (object,)))


def _is_moment(text: str) -> bool:
    from datetime import datetime

    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _article(role: str) -> str:
    return {"id": "the id", "key": "the split's key", "target": "the target"}.get(role, role)
