"""Databases: a table, or what a query gives."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.plugins.source import Fetched, Source, Wanted

if TYPE_CHECKING:
    import polars as pl

EMBEDDED = ("sqlite", "duckdb")
SERVERS = ("postgresql", "postgres")


class Sql(Source, frozen=True, kw_only=True):
    """A table of a database, or the result of a query: SQLite and DuckDB files, PostgreSQL servers.

    Rows are read once before a run, in one read-only transaction, into a snapshot next to the spec, with only the
    columns that the spec uses. The rows of a table are sorted by their values, because a table has no order: equal rows
    are equal content. The rows of a query keep the order of the query.

    Why: most data is in databases; a snapshot makes results from it reproducible.

    Example:
        people: {connection: "postgresql://reader:${env:CENSUS_PASSWORD}@db.example.org/census", table: people}
    """

    key: ClassVar[str] = "connection"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    connection: Annotated[
        str,
        Meta(
            description="The database: sqlite:FILE, duckdb:FILE or postgresql://USER:PASSWORD@HOST/NAME, where "
            "${env:NAME} inserts a secret.",
            min_length=1,
            examples=["sqlite:data/census.db", "postgresql://reader:${env:CENSUS_PASSWORD}@db.example.org/census"],
        ),
    ]
    table: Annotated[
        Annotated[str, Meta(min_length=1)] | None, Meta(description="The table, as SCHEMA.TABLE if it has a schema.")
    ] = None
    query: Annotated[
        Annotated[str, Meta(min_length=1)] | None, Meta(description="A query instead of a table; it may only read.")
    ] = None
    schema: Annotated[
        dict[str, Literal["integer", "number", "boolean", "category", "date", "datetime"]],
        Meta(description="All columns with their types, for checks before the first read of the database."),
    ] = msgspec.field(default_factory=dict)

    def where(self) -> str:
        """The table or query and its database, references to secrets as they are in the spec."""
        from mlspec.sources import _secrets

        return f"{f'table {self.table}' if self.table else 'a query'} of {_secrets.masked(self.connection)}"

    def starts(self) -> dict[str, str]:
        """The file of an embedded database."""
        kind, _, rest = self.connection.partition(":")
        return {"connection": rest.removeprefix("//")} if kind in EMBEDDED and "${" not in rest else {}

    def is_probed_apart(self, root: Path) -> bool:
        """Where a look opens the file: SQLite computes what its author wrote."""
        return self.connection.startswith("sqlite:") and self.table is not None

    def mistake(self) -> str:
        """What is wrong with these settings taken together."""
        from mlspec.sources import _secrets

        if (self.table is None) == (self.query is None):
            return "give either `table` or `query`"
        kind = self.connection.partition(":")[0]
        if not _secrets.REFERENCE.match(self.connection) and kind not in (*EMBEDDED, *SERVERS):
            return f"'{kind}:' is not a known database; write sqlite:FILE, duckdb:FILE or postgresql://HOST/NAME"
        return ""

    @property
    def filters(self) -> bool:
        """A table does; a query says itself which rows it gives."""
        return self.table is not None

    @property
    def is_fetched(self) -> bool:
        """Always."""
        return True

    def stated(self) -> dict[str, str]:
        """The columns that the spec states."""
        return dict(self.schema)

    def columns(self, root: Path) -> Schema:
        """The columns of a SQLite table; of all else LookupError."""
        return self._head(root)[0]

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first rows of a SQLite table."""
        try:
            _columns, cells, everything = self._head(root)
        except (LookupError, OSError, ValueError):
            return None
        return (tuple(cells[column]), everything) if column in cells else None

    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """Rows are read from the snapshot, never from here."""
        raise StepError(f"{self.where()} has not been fetched yet")

    def fetch(self, root: Path, folder: Path, wanted: Wanted, mark: str) -> Fetched | None:
        """The rows as Parquet."""
        from mlspec.sources import _databases, _secrets

        kind, _, rest = _secrets.filled(self.connection).partition(":")
        if kind in EMBEDDED:
            file = root / rest.removeprefix("//")
            changed, now = file.stat().st_mtime, _state(file)
            if mark and mark == now:
                return None
            read = _databases.sqlite if kind == "sqlite" else _databases.duckdb
            frame, columns = read(file, self._source(), wanted)
        elif kind in SERVERS:
            changed, now = None, ""
            frame, columns = _databases.postgresql(f"postgresql:{rest}", self._source(), wanted)
        else:
            raise StepError(f"'{kind}:' is not a known database")
        if self.table is not None:
            frame = frame.sort(frame.columns)
        frame.write_parquet(folder / "rows.parquet", compression="zstd", compression_level=1)
        return Fetched(
            path=folder / "rows.parquet",
            format="parquet",
            columns=columns,
            changed=changed,
            mark=now,
            ordered=self.table is None,
        )

    def _source(self) -> str:
        """What follows FROM."""
        if self.table is not None:
            return ".".join(_quoted(part) for part in self.table.split("."))
        return f"(\n{(self.query or '').rstrip().rstrip(';')}\n) AS rows"

    def _head(self, root: Path) -> tuple[Schema, dict[str, Any], bool]:
        from mlspec.sources import _sqlite

        kind, _, rest = self.connection.partition(":")
        if kind != "sqlite" or self.table is None or "${" in rest:
            raise LookupError(self.where())
        return _sqlite.head(root / rest.removeprefix("//"), self.table)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _state(file: Path) -> str:
    """A digest of a database's file, with what has not been written into it yet."""
    import hashlib

    total = hashlib.sha256()
    for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}.wal")):
        if path.exists():
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
