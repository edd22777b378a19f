"""Rows of JSON values as frames of the data engine."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mlspec.plugins.base import Schema
from mlspec.sources import _nested
from mlspec.sources._json_lines import Row
from mlspec.sources._records import Nested, leaves

if TYPE_CHECKING:
    import polars as pl


def frame(
    data: Any,
    wanted: "Mapping[str, pl.DataType | type[pl.DataType]]",
    nested: Nested,
    rows: Callable[[], Iterable[Row]],
) -> "pl.LazyFrame":
    """The rows of a file of JSON Lines (a path, or its bytes), with these columns of these types; ``rows`` reads them
    where the names alone don't tell what is a number of a list."""
    import polars as pl

    parts = {
        name: part for name in wanted if (part := _nested.part_of(name)) and _is_list(rows(), name, part[0], nested)
    }
    leaf: dict[str, Any] = {name: kind for name, kind in wanted.items() if name not in parts}
    for name, (base, _at) in parts.items():
        leaf[base] = pl.List(pl.Float64 if wanted[name] == pl.String else wanted[name])
    read = pl.scan_ndjson(data, schema=_structs(leaf) if nested == "flatten" else leaf)
    picked = []
    for name, kind in wanted.items():
        base, at = parts.get(name, (name, None))
        expression = _path(base) if nested == "flatten" else pl.col(base)
        expression = expression if at is None else expression.list.get(at, null_on_oob=True).cast(kind)
        picked.append(expression.alias(name))
    return read.select(picked)


def cast(
    data: Any,
    columns: Schema,
    name: str,
    rows: Callable[[], Iterable[Row]],
    nested: Nested,
    missing: tuple[str, ...],
    dates: Mapping[str, str],
) -> "pl.LazyFrame":
    """All rows, read as text and cast. Raises StepError for a value that does not match its type."""
    import polars as pl

    from mlspec.sources import _cast

    read = frame(data, {column.name: pl.String for column in columns}, nested, rows)
    if missing:
        read = read.with_columns(pl.when(~pl.all().is_in(list(missing))).then(pl.all()).name.keep())
    return _cast.from_text(read, tuple(replace(c, form=c.form or dates.get(c.name, "")) for c in columns), name)


def _is_list(rows: Iterable[Row], name: str, base: str, nested: Nested) -> bool:
    """Whether a column is a number of a list, as the first row shows that has one or the other."""
    for place, row in rows:
        for key, value in leaves(row, nested, place):
            if key == name:
                return False
            if key == base and isinstance(value, list):
                return True
    return False


def _structs(leaf: Mapping[str, Any]) -> dict[str, Any]:
    import polars as pl

    tree: dict[str, Any] = {}
    for name, kind in leaf.items():
        *above, last = name.split(".")
        at = tree
        for key in above:
            at = at.setdefault(key, {})
        at[last] = kind

    def made(of: Any) -> Any:
        return pl.Struct({key: made(inner) for key, inner in of.items()}) if isinstance(of, dict) else of

    return {key: made(of) for key, of in tree.items()}


def _path(name: str) -> "pl.Expr":
    import polars as pl

    first, *rest = name.split(".")
    found = pl.col(first)
    for key in rest:
        found = found.struct.field(key)
    return found
