"""A column does not exist in the data.

Why: a typing error would otherwise appear only when a step reads the column, or, worse, as a feature that is silently
missing.

Instead: use a name from the file's header; the message suggests the closest one.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.baseline import Baseline
from mlspec.plugins.source import Source
from mlspec.rules._roles import dropped
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Every place that names a column."""
    from mlspec.spec import suggest

    name, schema = next(iter(view.facts.schemas.items()))
    left = [column.name for column in schema]
    raw = {column.name for columns in view.facts.raw.values() for column in columns}
    gone = raw & dropped(view.project)
    known = [*left, *sorted(gone - set(left))]
    source = view.project.data.sources[name].plugin
    assert isinstance(source, Source)
    note = f"the columns are read from {source.where()} ({len(known)} columns)"
    for path, column, at_key in named(view):
        if path[:2] == ("data", "personal") and column in raw:
            continue
        if column not in known:
            label = suggest.name(column, known)
            message = f"source '{name}' has no column '{column}'"
            yield view.diagnostic("unknown-column", path, message, label, note, key=at_key)
        elif column in gone and path[2:3] not in (("drop",), ("types",)):
            message = f"'{column}' is dropped under data.personal, so it cannot be used"
            yield view.diagnostic("unknown-column", path, message, "remove it here", key=at_key)
    for path, column, name in of_sources(view):
        own = [found.name for found in view.facts.sources.get(name, ())]
        if own and column not in own:
            message = f"source '{name}' has no column '{column}'"
            yield view.diagnostic("unknown-column", path, message, suggest.name(column, own))


def of_sources(view: View) -> Iterator[tuple[Path, str, str]]:
    """The columns that expectations name of one source: place, name, source."""
    for index, expectation in enumerate(view.project.data.expect):
        if expectation.source is not None:
            if expectation.column is not None:
                yield ("data", "expect", index, "column"), expectation.column, expectation.source
            for place, column in enumerate(expectation.columns):
                yield ("data", "expect", index, "columns", place), column, expectation.source


def named(view: View) -> Iterator[tuple[Path, str, bool]]:
    """Every column that the spec names: its place, its name, and whether it is a key there."""
    data = view.project.data
    said = data.columns
    at: Path = ("data", "columns")
    yield (*at, "target"), said.target, False
    if said.id is not None:
        yield (*at, "id"), said.id, False
    if said.weight is not None:
        yield (*at, "weight"), said.weight, False
    for key in ("features", "sensitive", "use_sensitive", "drop"):
        for index, column in enumerate(getattr(said, key) or ()):
            yield (*at, key, index), column, False
    for column in said.types:
        yield (*at, "types", column), column, True
    for column in data.personal:
        yield ("data", "personal", column), column, True
    for index, expectation in enumerate(data.expect):
        if expectation.source is None and expectation.column is not None:
            yield ("data", "expect", index, "column"), expectation.column, False
        for place, column in enumerate(expectation.columns if expectation.source is None else ()):
            yield ("data", "expect", index, "columns", place), column, False
    if data.split.column is not None:
        yield ("data", "split", "column"), data.split.column, False
    if data.split.stratify is not None:
        yield ("data", "split", "stratify"), data.split.stratify, False
    personal = view.project.model.personalization
    if personal is not None and personal.key is not None:
        yield ("model", "personalization", "key"), personal.key, False
    mitigation = view.project.model.mitigation
    if mitigation is not None:
        yield from _each(view, ("model", "mitigation", "group"), mitigation.group)
    for index, crossed in enumerate(view.project.preprocessing.interactions):
        for kind in crossed.kinds:
            for place, column in enumerate(getattr(crossed, kind)):
                yield ("preprocessing", "interactions", index, kind, place), column, False
    for index, use in enumerate(view.project.evaluation.baselines or ()):
        if isinstance(use.plugin, Baseline):
            for column in use.plugin.columns():
                yield ("evaluation", "baselines", index, use.name, "column"), column, False
    interface = view.project.project.interface
    for column in interface.inputs if interface is not None else ():
        yield ("project", "interface", "inputs", column), column, True
    for index, example in enumerate(view.project.project.users.examples):
        for column in example.row:
            yield ("project", "users", "examples", index, "row", column), column, True
    for index, columns in enumerate(view.project.evaluation.slices):
        yield from _each(view, ("evaluation", "slices", index), columns)
    for path, _, constraint in view.project.constraints.stated():
        for below, names in constraint.columns().items():
            yield from _each(view, (*path, *below), names)
    for column in view.project.preprocessing.columns:
        yield ("preprocessing", "columns", column), column, True


def _each(view: View, at: Path, columns: tuple[str, ...]) -> Iterator[tuple[Path, str, bool]]:
    """Columns written as a list, or one as itself."""
    node = view.document.node(at)
    listed = node is not None and node.kind == "list"
    for index, column in enumerate(columns):
        yield ((*at, index) if listed else at), column, False
