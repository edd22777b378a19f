"""A split, or the folds of a cross-validation, lack what they go by, or leave nothing to train on.

Why: groups, moments and given parts stand in a column; shares that add up to one leave no training rows.

Instead: name the column (or each source's `part` for a given split), and keep rows for training.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugin import Source
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The split's column, its type, and its shares."""
    split = view.project.data.split
    at = ("data", "split")
    sources = [use.plugin for use in view.project.data.sources.values()]
    parts = [source.part for source in sources if isinstance(source, Source)]
    if split.by in ("group", "time") and split.column is None:
        yield view.diagnostic(
            "split-without-column", (*at, "by"), f"a split by {split.by} needs its column", "add 'column'"
        )
    if split.by == "given" and split.column is None and not all(parts):
        message = "a given split needs a column that says it, or a 'part' for each source"
        yield view.diagnostic("split-without-column", (*at, "by"), message, "add 'column', or 'part' to the sources")
    elif split.by == "given" and split.column is None and not {"train", "test"} <= set(parts):
        yield view.diagnostic("split-without-column", (*at, "by"), "no source is the part 'train', or none 'test'")
    if split.by != "given" and any(parts):
        name = next(
            n for n, use in view.project.data.sources.items() if isinstance(use.plugin, Source) and use.plugin.part
        )
        path = ("data", "sources", name, "part")
        yield view.diagnostic(
            "split-without-column",
            path,
            "'part' says a split, but the split is by " + split.by,
            "write split: {by: given}",
        )
    if split.by in ("random", "time", "given") and split.by == "random" and split.column is not None:
        message = "a random split reads no column"
        yield view.diagnostic("split-without-column", (*at, "column"), message, "did you mean by: stratified or group?")
    if split.by != "given" and split.test + split.validation >= 1:
        message = f"test {split.test:g} and validation {split.validation:g} leave no rows for training"
        yield view.diagnostic("split-without-column", (*at, "test"), message)
    yield from _folds(view)
    kinds = {c.name: view.project.data.columns.types.get(c.name, c.type) for c in view.columns()}
    kind = kinds.get(split.column or "")
    if split.by == "time" and kind in ("category", "boolean"):
        message = f"'{split.column}' is a {kind}, time needs a date or a number"
        yield view.diagnostic(
            "split-without-column", (*at, "column"), message, "state its type under data.columns.types"
        )
    if split.by == "group" and split.column == view.project.data.columns.target:
        yield view.diagnostic(
            "split-without-column", (*at, "column"), "a split by the target leaves classes without training rows"
        )


def _folds(view: View) -> Iterator[Diagnostic]:
    wanted, split = view.project.model.cross_validation, view.project.data.split
    if wanted is None:
        return
    at = ("model", "cross_validation")
    if wanted.by in ("group", "time") and wanted.column is None and split.by != wanted.by:
        message = f"folds by {wanted.by} need their column"
        yield view.diagnostic("split-without-column", (*at, "by"), message, "add 'column'")
    if wanted.by is not None and split.by in ("group", "time") and wanted.by != split.by:
        message = f"the split is by {split.by}, the folds by {wanted.by}: their scores would promise too much"
        label = f"leave it out, or write by: {split.by}"
        yield view.diagnostic("split-without-column", (*at, "by"), message, label, severity="warning")
    if wanted.nested and not view.project.tuning:
        message = "nested folds search for settings inside each fold, but nothing is tuned"
        yield view.diagnostic("split-without-column", (*at, "nested"), message, "add 'tuning', or leave it out")
