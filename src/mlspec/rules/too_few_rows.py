"""There are fewer rows of a class, or fewer groups, than parts or folds to put them into.

Why: a part without a class can measure nothing about it, and of a class without a training row nothing is learned.
Rows of one group stay together, so fewer groups than parts leave a part empty.

Instead: leave the class out with `data.filter`, join it with another one, or use fewer folds; split by another column.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.formatting import count
from mlspec.rules.context import View

SHOWN = 5


def check(view: View) -> Iterator[Diagnostic]:
    """What all rows have, where that is known, against the parts of the split and the folds."""
    data, counts = view.project.data, view.facts.counts
    parts = 1 + (data.split.test > 0) + (data.split.validation > 0)
    folds = view.project.model.cross_validation
    if counts.groups is not None and data.split.by in ("group", "hash", "time") and counts.groups < parts:
        message = f"'{data.split.column}' has {count(counts.groups, 'value')} for {parts} parts"
        yield view.diagnostic("too-few-rows", ("data", "split"), message, "rows of one value stay in one part")
    classes, task = counts.of_values, view.project.project.task
    if not classes or task in (None, "regression"):
        return
    target, at = data.columns.target, ("data", "columns", "target")
    if len(classes) == 1:
        ((name, rows),) = classes.items()
        message = f"all {rows:,} rows that have a '{target}' have '{name}'"
        yield view.diagnostic("too-few-rows", at, message, "a model needs two classes")
    elif data.filter is None and not any(join.how == "inner" for join in data.join):
        needed, what = max((parts, "parts"), (0 if folds is None else folds.folds, "folds"))
        few = [f"'{name}' ({count(rows, 'row')})" for name, rows in sorted(classes.items()) if rows < needed]
        if few:
            more = f" and {len(few) - SHOWN} more" if len(few) > SHOWN else ""
            message = f"classes of '{target}' have fewer rows than there are {what}, {needed}: "
            message += f"{', '.join(few[:SHOWN])}{more}"
            label = "some metrics can't be measured without rows of each class"
            yield view.diagnostic("too-few-rows", at, message, label, severity="warning")
