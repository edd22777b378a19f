"""Rows have no value of the target, and are left out.

Why: a model can neither learn from them nor be measured on them. The rows that are left, whose outcome is
known, may differ from the others.

Instead: add `data.expect: [{column: TARGET, missing: {at_most: 0}}]` to end a run that finds such rows, or a higher
bound to accept so many; a `data.filter` that leaves them out also says that they are known.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The rows without a target, where all rows are known, and the spec does not say what it expects of them."""
    data, counts = view.project.data, view.facts.counts
    target = data.columns.target
    if counts.rows is None or counts.of_values is None or data.filter is not None:
        return
    if any(one.column == target and one.missing is not None for one in data.expect):
        return
    lacking = counts.rows - sum(counts.of_values.values())
    if lacking > 0:
        share = f"{lacking:,} of {counts.rows:,} rows ({lacking / counts.rows:.1%})"
        message = f"{share} have no '{target}' and are left out"
        label = f"data.expect: [{{column: {target}, missing: {{at_most: 0}}}}] ends the run instead"
        yield view.diagnostic("rows-without-target", ("data", "columns", "target"), message, label, severity="warning")
