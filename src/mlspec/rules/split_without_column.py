"""A split, or the folds of a cross-validation, lack their column, or leave no training rows.

Why: groups, times and given parts are read from a column; shares that add up to one leave no training rows.

Instead: add the column (or each source's `part` for a given split), and keep rows for training.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.plugins.source import Source
from mlspec.rules.context import View
from mlspec.spec import units


def check(view: View) -> Iterator[Diagnostic]:
    """The split's column, its type, and its shares."""
    split = view.project.data.split
    at = ("data", "split")
    sources = [use.plugin for use in view.project.data.sources.values()]
    parts = [source.part for source in sources if isinstance(source, Source)]
    if split.by in ("group", "hash", "time") and split.column is None:
        yield view.diagnostic(
            "split-without-column", (*at, "by"), f"a split by {split.by} needs a column", "add 'column'"
        )
    if split.by == "given" and split.column is None and not all(parts):
        message = "a given split needs a column that states the part, or a 'part' for each source"
        yield view.diagnostic("split-without-column", (*at, "by"), message, "add 'column', or 'part' to the sources")
    elif split.by == "given" and split.column is None and not {"train", "test"} <= set(parts):
        yield view.diagnostic("split-without-column", (*at, "by"), "no source has the part 'train', or none has 'test'")
    if split.by != "given" and any(parts):
        name = next(
            n for n, use in view.project.data.sources.items() if isinstance(use.plugin, Source) and use.plugin.part
        )
        path = ("data", "sources", name, "part")
        yield view.diagnostic(
            "split-without-column",
            path,
            "'part' states a given split, but the split is by " + split.by,
            Hint("write split: {by: given}", ("given",), at=("data", "split", "by")),
        )
    if split.by in ("random", "time", "given") and split.by == "random" and split.column is not None:
        message = "a random split uses no column"
        label = Hint("did you mean by: stratified or group?", ("stratified", "group"), at=(*at, "by"))
        yield view.diagnostic("split-without-column", (*at, "column"), message, label)
    if split.by != "given" and split.test + split.validation >= 1:
        message = f"test {split.test:g} and validation {split.validation:g} leave no training rows"
        yield view.diagnostic("split-without-column", (*at, "test"), message)
    yield from _folds(view)
    yield from _besides(view)
    kinds = {c.name: view.project.data.columns.types.get(c.name, c.type) for c in view.columns()}
    kind = kinds.get(split.column or "")
    if split.by == "time" and kind in ("category", "boolean"):
        message = f"'{split.column}' is a {kind}, but a split by time needs a date or a number"
        yield view.diagnostic("split-without-column", (*at, "column"), message, "set its type under data.columns.types")
    if split.by in ("group", "hash") and split.column == view.project.data.columns.target:
        yield view.diagnostic(
            "split-without-column",
            (*at, "column"),
            "a group split by the target leaves some classes without training rows",
        )


def _besides(view: View) -> Iterator[Diagnostic]:
    """What only groups, or only time, can keep to; and a gap in the unit of its column."""
    split, at = view.project.data.split, ("data", "split")
    if split.stratify is not None and split.by != "group":
        label = Hint("write it as 'column'", ("column",))
        if split.by != "stratified":
            label = Hint("write by: group", ("group",), at=(*at, "by"))
        message = f"'stratify' applies to group splits, but the split is by {split.by}"
        yield view.diagnostic("split-without-column", (*at, "stratify"), message, label, key=True)
    elif split.stratify is not None and split.stratify == split.column:
        message = f"groups of '{split.column}' cannot be stratified by '{split.column}' itself"
        yield view.diagnostic("split-without-column", (*at, "stratify"), message)
    if split.gap is None:
        return
    if split.by != "time":
        message = f"'gap' applies to splits by time, but the split is by {split.by}"
        yield view.diagnostic(
            "split-without-column", (*at, "gap"), message, Hint("write by: time", ("time",), at=(*at, "by")), key=True
        )
        return
    kind = {c.name: view.project.data.columns.types.get(c.name, c.type) for c in view.columns()}.get(split.column or "")
    if isinstance(split.gap, str) and units.parse("duration", split.gap) is None:
        message = "'data.split.gap' must be a duration with its unit, or a number"
        yield view.diagnostic("bad-unit", (*at, "gap"), message, "write it like 7d, 12h")
    elif isinstance(split.gap, int | float) and split.gap <= 0:
        yield view.diagnostic("out-of-range", (*at, "gap"), "'data.split.gap' must be greater than 0")
    elif kind in ("date", "datetime") and not isinstance(split.gap, str):
        message = f"'{split.column}' is a {kind}, so the gap must be a duration with its unit"
        yield view.diagnostic(
            "split-without-column", (*at, "gap"), message, Hint(f"did you mean {split.gap:g}d?", (f"{split.gap:g}d",))
        )
    elif kind in ("integer", "number") and isinstance(split.gap, str):
        message = (
            f"'{split.column}' is {'an integer' if kind == 'integer' else 'a number'}, so the gap must be a number"
        )
        yield view.diagnostic("split-without-column", (*at, "gap"), message, "write a number in the same unit")


def _folds(view: View) -> Iterator[Diagnostic]:
    wanted, split = view.project.model.cross_validation, view.project.data.split
    if wanted is None:
        return
    at = ("model", "cross_validation")
    like = "group" if split.by == "hash" else split.by  # what folds of such a split are by
    if wanted.by in ("group", "time") and wanted.column is None and like != wanted.by:
        message = f"folds by {wanted.by} need a column"
        yield view.diagnostic("split-without-column", (*at, "by"), message, "add 'column'")
    if wanted.by is not None and like in ("group", "time") and wanted.by != like:
        message = (
            f"the split is by {split.by}, but the folds are by {wanted.by}, so their scores would be too optimistic"
        )
        label = Hint(f"remove it, or write by: {like}", (like,), sure=False)
        yield view.diagnostic("split-without-column", (*at, "by"), message, label, severity="warning")
    if wanted.nested and not view.project.tuning:
        message = "nested folds tune inside each fold, but nothing is tuned"
        yield view.diagnostic("split-without-column", (*at, "nested"), message, "add 'tuning', or remove it")
