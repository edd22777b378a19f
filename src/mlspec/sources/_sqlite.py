"""The columns of a SQLite table, by the standard library: read only, bounded, and of plain tables alone, because a view
would run what its author wrote."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from mlspec.machine import safe_files
from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.sources import _bounds

MOST_STEPS = 50_000_000
HIDDEN = 1
Head = tuple[Schema, dict[str, list[str]], bool]


def head(path: Path, table: str) -> Head:
    """A table's columns, its first values as text by column, and whether these are all rows.

    Raises OSError where the file can't be read, ValueError where it is no database or has no such table, LookupError
    where ``table`` is a view or a virtual table.
    """
    with safe_files.opened(path) as file:
        start = file.read(16)
    if start and start != b"SQLite format 3\0":
        raise ValueError("not a SQLite database")
    # Immutable: neither locks nor journals are made beside a file that is only looked at.
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
    try:
        connection.set_progress_handler(lambda: 1, MOST_STEPS)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _bounds.BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.setlimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        # As SQLite writes it down; anything else under the name of a table is a view or a virtual table.
        plain = "SELECT name, rootpage AND sql LIKE 'CREATE TABLE %' FROM sqlite_master WHERE type IN ('table', 'view')"
        tables = dict(connection.execute(plain))
        if table not in tables:
            near = ", ".join(sorted(tables)[:10]) or "none"
            raise ValueError(f"it has no table '{table}'; its tables: {near}")
        if not tables[table]:
            raise LookupError(table)
        name = '"' + table.replace('"', '""') + '"'
        # With the columns that are computed, as a query of all columns gives them.
        about = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
        declared = {str(row[1]): str(row[2]).upper() for row in about if row[6] != HIDDEN}
        rows, everything = _first(connection.execute(f"SELECT * FROM {name} LIMIT {_bounds.ROWS + 1}"))
    except sqlite3.Error as error:
        raise ValueError(f"not a SQLite database that can be read: {error}") from None
    finally:
        connection.close()
    cells = {name: [row[index] for row in rows if row[index] is not None] for index, name in enumerate(declared)}
    columns = tuple(Column(n, _type(n, cells.get(n, []), kind)) for n, kind in declared.items())
    text = {c.name: [_text(v, c.type) for v in cells.get(c.name, [])] for c in columns}
    return columns, text, everything


def _first(given: Iterable[tuple[object, ...]]) -> tuple[list[tuple[object, ...]], bool]:
    """As many rows as a look may take, and whether these are all."""
    rows: list[tuple[object, ...]] = []
    size = 0
    for row in given:
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row)
        if len(rows) == _bounds.ROWS or size > _bounds.BYTES:
            return rows, False
        rows.append(row)
    return rows, True


def _type(name: str, values: list[object], declared: str) -> ColumnType:
    """A column's type by its first values: SQLite binds no value to what was declared."""
    from mlspec.sources import _infer

    if any(isinstance(value, bytes) for value in values):
        raise ValueError(f"column '{name}' contains bytes, which no model can use")
    if not values:
        return _by_name(declared)
    if all(isinstance(value, int) for value in values):
        return "boolean" if "BOOL" in declared and set(values) <= {0, 1} else "integer"
    if all(isinstance(value, int | float) for value in values):
        return "number"
    found = _infer.narrowest({str(value) for value in values})
    return found if found in ("date", "datetime") else "category"


def _by_name(declared: str) -> ColumnType:
    kinds: tuple[tuple[str, ColumnType], ...] = (
        ("BOOL", "boolean"), ("INT", "integer"), ("REAL", "number"), ("FLOA", "number"), ("DOUB", "number"),
        ("NUM", "number"), ("DEC", "number"), ("DATETIME", "datetime"), ("TIMESTAMP", "datetime"), ("DATE", "date"),
    )  # fmt: skip
    return next((kind for word, kind in kinds if word in declared), "category")


def _text(value: object, kind: ColumnType) -> str:
    return str(bool(value)).lower() if kind == "boolean" else str(value)
