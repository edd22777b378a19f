"""Reads databases: rows of the wanted columns and, beside them, all columns that there are."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column, Schema
from mlspec.plugins.source import Condition, Wanted

if TYPE_CHECKING:
    import polars as pl

    Read = tuple[pl.DataFrame, Schema]

# SQLSTATE classes: no connection, shut down, too busy; a value that is not what it should be.
NETWORK, DATA = ("08", "57", "53"), "22"


def sqlite(file: Path, source: str, wanted: Wanted) -> "Read":
    """Rows of a SQLite file."""
    with file.open("rb"):
        pass
    driver = _driver("adbc_driver_sqlite")
    connection = driver.connect(f"file:{quote(str(file.absolute()))}?mode=ro")
    return _read(driver, connection, source, wanted)


def duckdb(file: Path, source: str, wanted: Wanted) -> "Read":
    """Rows of a DuckDB file; its queries reach neither other files nor the network."""
    import polars as pl

    try:
        import duckdb as engine
    except ImportError:
        raise StepError("DuckDB files need the package duckdb: pip install 'mlspec-compiler[sql]'") from None
    with file.open("rb"):
        pass
    alone: dict[str, Any] = {"enable_external_access": "false", "autoinstall_known_extensions": "false"}
    try:
        with engine.connect(str(file), read_only=True, config=alone) as connection:
            every = pl.DataFrame(connection.sql(f"SELECT * FROM {source} LIMIT 100"))
            names = wanted.of(every.columns)
            return pl.DataFrame(connection.sql(_select(names, source, wanted, every))), schema(every)
    except engine.Error as error:
        raise StepError(_line(error, shows_value=isinstance(error, engine.DataError))) from None


def postgresql(uri: str, source: str, wanted: Wanted) -> "Read":
    """Rows of a PostgreSQL server. Raises OSError where it can't be reached."""
    driver = _driver("adbc_driver_postgresql")
    try:
        connection = driver.connect(uri)
    except driver.Error as error:
        raise OSError(_line(error)) from None
    return _read(driver, connection, source, wanted, "SET TRANSACTION READ ONLY")


def _read(driver: Any, connection: Any, source: str, wanted: Wanted, *before: str) -> "Read":
    import polars as pl

    try:
        with connection, connection.cursor() as cursor:
            for statement in before:
                cursor.execute(statement)
            cursor.execute(f"SELECT * FROM {source} LIMIT 100")
            every = pl.DataFrame(cursor.fetch_arrow())
            names = wanted.of(every.columns)
            cursor.execute(_select(names, source, wanted, every))
            return _usable(_text(pl.DataFrame(cursor.fetch_arrow()), every)), schema(every)
    except driver.Error as error:
        state = str(getattr(error, "sqlstate", None) or "")
        if state.startswith(NETWORK):
            raise OSError(_line(error)) from None
        raise StepError(_line(error, shows_value=state.startswith(DATA))) from None


def _select(names: list[str], source: str, wanted: Wanted, every: "pl.DataFrame") -> str:
    if not names:
        raise StepError("the spec uses none of its columns")
    text = f"SELECT {', '.join(_quoted(name) for name in names)} FROM {source}"
    made = [condition for one in wanted.where if (condition := _condition(one, every)) is not None]
    return f"{text} WHERE {' AND '.join(made)}" if made else text


def _condition(condition: Condition, every: "pl.DataFrame") -> str | None:
    """The condition in SQL, where the database decides it as the engine does: by what the column is there."""
    import polars as pl

    kind = every.schema.get(condition.column)
    column = _quoted(condition.column)
    if kind is None:
        return None
    if not condition.values:
        # NaN is a missing value to the engine, and none to a database.
        plain = kind in (pl.String, pl.Boolean, pl.Date) or kind.is_integer() or isinstance(kind, pl.Datetime)
        fits = plain or (kind in (pl.Float32, pl.Float64) and condition.operator == "IS NOT NULL")
        return f"{column} {condition.operator}" if fits else None
    if not (kind.is_integer() or kind in (pl.Float32, pl.Float64)):
        return None
    # A number of single precision would be compared in single precision.
    whole = kind.is_integer() and all(value.lstrip("-").isdigit() for value in condition.values)
    values = [value if whole else f"CAST({value} AS DOUBLE PRECISION)" for value in condition.values]
    if condition.operator.endswith("IN"):
        return f"{column} {condition.operator} ({', '.join(values)})"
    return f"{column} {condition.operator} {' AND '.join(values)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _driver(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"{name}.dbapi")
    except ImportError:
        raise StepError(
            f"this database needs the package {name.replace('_', '-')}: pip install 'mlspec-compiler[sql]'"
        ) from None


def schema(every: "pl.DataFrame") -> Schema:
    """All columns; one that no model can read is a category until somebody asks for it."""
    from mlspec.sources import _cast

    found: list[Column] = []
    for name, kind in every.schema.items():
        try:
            found += _cast.from_polars(type(every.schema)({name: kind}))
        except ValueError:
            found.append(Column(name, "category"))
    return tuple(found)


def _text(frame: "pl.DataFrame", every: "pl.DataFrame") -> "pl.DataFrame":
    """Columns without a value as the type that they have elsewhere: SQLite has no other than those of its values."""
    empty = [n for n in frame.columns if frame[n].null_count() == frame.height and frame.schema[n] != every.schema[n]]
    return frame.with_columns([frame[name].cast(every.schema[name]) for name in empty]) if empty else frame


def _usable(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Types that only the database knows (PostgreSQL's numeric, uuid) as the text that they come as, or numbers."""
    import polars as pl

    made = []
    for name, kind in frame.schema.items():
        if isinstance(kind, pl.BaseExtension):
            text = frame[name].ext.storage().cast(pl.String)
            number = text.cast(pl.Float64, strict=False)
            made.append(number if number.null_count() == text.null_count() and text.null_count() < len(text) else text)
    return frame.with_columns(made) if made else frame


def _line(error: BaseException, *, shows_value: bool = False) -> str:
    """A driver's error message on one line, without its prefix and without cell values."""
    text = " ".join(str(error).split()).partition(" Query was:")[0].partition(" LINE 1:")[0]
    text = re.sub(r"^[A-Z_]+: (\[libpq\] )?(Failed to (prepare|execute) query: )?", "", text)
    return re.sub(r"(['\"]).*\1", r"\1•••\1", text) if shows_value else text
