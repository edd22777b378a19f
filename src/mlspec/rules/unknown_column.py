"""A column is named that the data does not have.

Why: a typing slip would otherwise show only when the step that reads the column runs, or, worse, as a feature that is
quietly missing.

Instead: use a name from the file's header; the message shows the nearest one.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugin import Baseline, Source
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Every place that names a column."""
    from mlspec.spec import suggest

    name, schema = next(iter(view.facts.schemas.items()))
    known = [column.name for column in schema]
    source = view.project.data.sources[name].plugin
    assert isinstance(source, Source)
    note = f"the columns are read from {source.path} ({len(known)} columns)"
    for path, column, at_key in _named(view):
        if column not in known:
            guess = suggest.nearest(column, known)
            label = f"did you mean '{guess}'?" if guess else ""
            message = f"source '{name}' has no column '{column}'"
            yield view.diagnostic("unknown-column", path, message, label, note, key=at_key)


def _named(view: View) -> Iterator[tuple[Path, str, bool]]:
    """Every column that the spec names: its place, its name, and whether it stands as a key there."""
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
    for index, expectation in enumerate(data.expect):
        if expectation.column is not None:
            yield ("data", "expect", index, "column"), expectation.column, False
    if data.split.column is not None:
        yield ("data", "split", "column"), data.split.column, False
    personal = view.project.model.personalization
    if personal is not None and personal.key is not None:
        yield ("model", "personalization", "key"), personal.key, False
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
    for index, gate in enumerate(view.project.constraints.fairness):
        yield from _each(view, ("constraints", "fairness", index, "group"), gate.group)
    for column in view.project.preprocessing.columns:
        yield ("preprocessing", "columns", column), column, True


def _each(view: View, at: Path, columns: tuple[str, ...]) -> Iterator[tuple[Path, str, bool]]:
    """Columns written as a list, or one as itself."""
    node = view.document.node(at)
    listed = node is not None and node.kind == "list"
    for index, column in enumerate(columns):
        yield ((*at, index) if listed else at), column, False
