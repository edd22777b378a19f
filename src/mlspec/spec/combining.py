"""The columns that joins, derived columns and the filter make of the sources' columns; and what is wrong with these."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Hint
from mlspec.document import Path
from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.spec.data import Data, Join

NUMERIC, MOMENTS = ("integer", "number"), ("date", "datetime")


class Wrong(Struct, frozen=True, kw_only=True):
    """A mistake: where it is, which characters of the text there, and the code of its page."""

    code: str
    path: Path
    message: str
    label: str | Hint = ""
    within: tuple[int, int] | None = None


class Combined(Struct, frozen=True):
    """The tables that the stacked sources become, by the source's name; and the mistakes."""

    schemas: dict[str, Schema]
    wrong: tuple[Wrong, ...] = ()


def stacked(data: Data) -> list[str]:
    """The sources that are stacked: all that are not joined to others."""
    joined = {join.source for join in data.join}
    return [name for name in data.sources if name not in joined]


def is_combined(data: Data) -> bool:
    """Whether rows are not just those of the sources."""
    return bool(data.join or data.derive or data.filter is not None)


def named(data: Data) -> set[str]:
    """The columns of sources that joins, derived columns and the filter read."""
    found = {name for text in (*data.derive.values(), data.filter or "") for name in names(text)} - set(data.derive)
    for join in data.join:
        found |= {*join.keys, *(join.columns or ())}
        found |= {name.removeprefix(join.prefix) for name in found} if join.prefix else set()
        if join.as_of is not None:
            found |= {join.as_of.row, join.as_of.source}
    return found


def taken(join: Join, schema: Schema) -> dict[str, Column]:
    """The columns that a join takes of a source, by their names there, as they are called afterwards."""
    left_out = {*join.keys, *([join.as_of.source] if join.as_of is not None else [])}
    wanted = [c for c in schema if (c.name not in left_out if join.columns is None else c.name in join.columns)]
    return {c.name: replace(c, name=f"{join.prefix}{c.name}", role="feature") for c in wanted}


def combined(data: Data, sources: Mapping[str, Schema]) -> Combined:
    """The tables that sources with these columns become. Sources that could not be read are left out."""
    types = data.columns.types
    known = {n: tuple(replace(c, type=types.get(c.name, c.type)) for c in schema) for n, schema in sources.items()}
    wrong = list(_misjoined(data))
    if wrong:
        return Combined({name: sources[name] for name in stacked(data) if name in sources}, tuple(wrong))
    made: dict[str, Schema] = {}
    for name in stacked(data):
        if name not in known or any(join.source not in known for join in data.join):
            continue
        columns = {c.name: c for c in known[name]}
        found: list[Wrong] = []
        for index, join in enumerate(data.join):
            found += _join(columns, join, known[join.source], ("data", "join", index))
        found += _derive(columns, data)
        found += _filter(columns, data)
        # Stacked sources have the same columns: an error is reported once.
        wrong += [one for one in found if one not in wrong]
        as_read = {c.name: c for c in sources[name]}
        made[name] = tuple(as_read.get(column, made_column) for column, made_column in columns.items())
    return Combined(made, tuple(wrong))


def _misjoined(data: Data) -> Iterator[Wrong]:
    """Joins that name a source wrongly."""
    code = "bad-join"
    for index, join in enumerate(data.join):
        at: Path = ("data", "join", index)
        if join.source not in data.sources:
            from mlspec.spec import suggest

            label = suggest.label(join.source, list(data.sources))
            yield Wrong(code=code, path=(*at, "source"), message=f"there is no source '{join.source}'", label=label)
        elif join.source in [other.source for other in data.join[:index]]:
            message = f"source '{join.source}' is joined twice"
            yield Wrong(code=code, path=(*at, "source"), message=message, label="list it a second time under sources")
        if not join.keys and join.as_of is None:
            yield Wrong(code=code, path=at, message="a join needs `keys`, `as_of`, or both")
    if not stacked(data):
        message = "every source is joined, so no source provides the rows"
        yield Wrong(code=code, path=("data", "join"), message=message, label="leave one source without a join")


def _join(columns: dict[str, Column], join: Join, right: Schema, at: Path) -> Iterator[Wrong]:
    """Add a join's columns."""
    theirs = {c.name: c for c in right}
    several = len(join.keys) > 1
    paths: list[Path] = [(*at, "keys", index) if several else (*at, "keys") for index in range(len(join.keys))]
    pairs = [(key, key, path, path) for key, path in zip(join.keys, paths, strict=True)]
    if join.as_of is not None:
        pairs.append((join.as_of.row, join.as_of.source, (*at, "as_of", "row"), (*at, "as_of", "source")))
    for mine, other, path, other_path in pairs:
        sides = ((mine, columns, "the rows have", path), (other, theirs, f"source '{join.source}' has", other_path))
        for name, have, who, place in sides:
            if name not in have:
                yield Wrong(code="bad-join", path=place, message=f"{who} no column '{name}'", label=_guess(name, have))
        if mine in columns and other in theirs and not _alike(columns[mine].type, theirs[other].type):
            message = f"'{mine}' is {columns[mine].type} here, but {theirs[other].type} in source '{join.source}'"
            yield Wrong(
                code="bad-join", path=path, message=message, label="give both the same type with data.columns.types"
            )
    if join.as_of is not None and join.as_of.row in columns:
        kind = columns[join.as_of.row].type
        if kind not in MOMENTS:
            message = f"'{join.as_of.row}' is {kind}, but the time of a row must be a date or datetime"
            yield Wrong(code="bad-join", path=(*at, "as_of", "row"), message=message)
    for index, name in enumerate(join.columns or ()):
        if name not in theirs:
            message = f"source '{join.source}' has no column '{name}'"
            yield Wrong(code="bad-join", path=(*at, "columns", index), message=message, label=_guess(name, theirs))
    for column in taken(join, right).values():
        if column.name in columns:
            message = f"the rows have a column '{column.name}' already"
            label = "give a `prefix`, or list the `columns` to take"
            yield Wrong(code="bad-join", path=at, message=message, label=label)
        else:
            columns[column.name] = column


def _derive(columns: dict[str, Column], data: Data) -> Iterator[Wrong]:
    """Add the derived columns; each may read those before it."""
    if not data.derive:
        return
    from mlspec.spec.expression import NOTHING, ExpressionError, typed

    target = data.columns.target
    for name, text in data.derive.items():
        path: Path = ("data", "derive", name)
        if name in columns:
            message = f"there is a column '{name}' already"
            yield Wrong(code="bad-expression", path=path, message=message, label="rename the derived column")
            continue
        try:
            found = typed(text, {c.name: c.type for c in columns.values()})
        except ExpressionError as error:
            yield from _unreadable(name, error.message, (error.start, error.end), columns, data.derive)
            continue
        if found.kind == NOTHING:
            yield Wrong(code="bad-expression", path=path, message="this is always NULL")
            continue
        if target in found.columns:
            message = f"'{name}' is derived from the target '{target}'"
            label = "a model would see the value that it has to predict"
            yield Wrong(code="bad-expression", path=path, message=message, label=label)
        columns[name] = Column(name, _type(found.kind))


def _unreadable(
    name: str, message: str, within: tuple[int, int], columns: Mapping[str, Column], derive: Mapping[str, str]
) -> Iterator[Wrong]:
    """That a derived column can't be read, or reads one that is derived below it; nothing where one above is wrong."""
    path: Path = ("data", "derive", name)
    order = list(derive)
    missing = derive[name][slice(*within)].strip('"')
    if missing not in derive or missing in columns:
        yield Wrong(code="bad-expression", path=path, message=message, within=within)
    elif order.index(missing) >= order.index(name):
        cycle = _cycle(derive)
        if name not in cycle:
            message = f"'{name}' reads '{missing}', which is derived below it"
            yield Wrong(code="bad-expression", path=path, message=message, label="put it below", within=within)
        elif name == min(cycle, key=order.index):
            at = cycle.index(name)
            shown = " -> ".join([*cycle[at:-1], *cycle[: at + 1]])
            yield Wrong(code="cycle", path=path, message=f"'{name}' is derived from itself: {shown}", within=within)


def _cycle(derive: Mapping[str, str]) -> list[str]:
    """Derived columns of which each is read by the next, the first and last the same; empty where there are none."""
    from graphlib import CycleError, TopologicalSorter

    try:
        TopologicalSorter({name: names(text) for name, text in derive.items()}).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _filter(columns: dict[str, Column], data: Data) -> Iterator[Wrong]:
    if data.filter is None:
        return
    from mlspec.spec.expression import TRUTH, ExpressionError, typed

    path: Path = ("data", "filter")
    try:
        kind = typed(data.filter, {c.name: c.type for c in columns.values()}).kind
    except ExpressionError as error:
        within = (error.start, error.end)
        yield Wrong(code="bad-expression", path=path, message=error.message, within=within)
        return
    if kind != TRUTH:
        message = (
            f"a filter must be true or false for each row, but this is {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
        )
        yield Wrong(code="bad-expression", path=path, message=message)


def names(text: str | None) -> tuple[str, ...]:
    """The columns of an expression; what reads one is imported where there is one."""
    if not text:
        return ()
    from mlspec.spec import expression

    return expression.names(text)


def _type(kind: str) -> ColumnType:
    from typing import cast

    return cast(ColumnType, kind)


def _alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= set(NUMERIC) or {one, other} <= set(MOMENTS)


def _guess(name: str, known: Mapping[str, Column]) -> Hint:
    from mlspec.spec import suggest

    return suggest.meant(suggest.near(name, list(known)))
