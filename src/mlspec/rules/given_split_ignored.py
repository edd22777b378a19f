"""The folders of a source state a split, but the spec splits in another way.

Why: the author of the folders kept the test rows separate; after mixing, scores cannot be compared with those of
others.

Instead: use `split: {by: given, column: split}`, or `columns: {drop: [split]}` to mix them on purpose.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.rules.context import View

COLUMN = "split"


def check(view: View) -> Iterator[Diagnostic]:
    """The column that folders give, which no source of tables has of itself."""
    data = view.project.data
    gives = any(c.name == COLUMN and c.role == "unused" for schema in view.facts.schemas.values() for c in schema)
    named = {data.split.column, *data.columns.drop, *(data.columns.features or ())}
    if gives and COLUMN not in named:
        message = f"the folders state which rows are test rows, but the split is by {data.split.by}"
        text = "{by: given, column: split}"
        label = Hint(f"write split: {text}", (text,), at=("data", "split"), sure=False)
        note = "or columns: {drop: [split]} to mix them on purpose"
        is_stated = view.document.node(("data", "split")) is not None
        at = ("data", "split") if is_stated else ("data", "sources")
        yield view.diagnostic("given-split-ignored", at, message, label, note, severity="warning", key=True)
