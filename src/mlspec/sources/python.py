"""Rows that a function of the user's gives."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.plugins.source import Fetched, Source, Wanted

if TYPE_CHECKING:
    import polars as pl


class Python(Source, frozen=True, kw_only=True):
    """Your own function, in a module next to the spec, that returns Arrow tables or batches.

    It is called once before a run, in a separate process. It returns, or yields in chunks, any object with the Arrow C
    stream interface: tables and batches of pyarrow, frames of polars and pandas, DuckDB's relations.

    Why: for data without a file format or database: an API, a simulation, a format of your own.

    Example:
        people: {code: "our_sources:people", arguments: {since: "2024-01-01"}}
    """

    key: ClassVar[str] = "code"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    code: Annotated[
        str,
        Meta(
            description="The function, as MODULE:NAME; the module is in the spec's folder or installed.",
            pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
            examples=["our_sources:people"],
        ),
    ]
    arguments: Annotated[
        dict[str, str | int | float | bool], Meta(description="Keyword arguments of the function.")
    ] = msgspec.field(default_factory=dict)
    schema: Annotated[
        dict[str, Literal["integer", "number", "boolean", "category", "date", "datetime"]],
        Meta(description="All columns with their types, for checks before the first call of the function."),
    ] = msgspec.field(default_factory=dict)

    def where(self) -> str:
        """The function."""
        return f"function {self.code}"

    @property
    def is_fetched(self) -> bool:
        """Always."""
        return True

    def stated(self) -> dict[str, str]:
        """The columns that the spec states."""
        return dict(self.schema)

    def columns(self, root: Path) -> Schema:
        """Known only after a call, which validate and compile never make."""
        raise LookupError(self.code)

    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """Rows are read from the snapshot, never from here."""
        raise StepError(f"{self.where()} has not been called yet")

    def fetch(self, root: Path, folder: Path, wanted: Wanted, mark: str) -> Fetched | None:
        """The rows as Parquet."""
        import polars as pl

        from mlspec.sources import _databases

        frames = list(_frames(self._called(root)))
        if not frames:
            raise StepError(f"{self.code} returned nothing")
        frame = pl.concat(frames, how="vertical_relaxed")
        columns = _databases.schema(frame)
        frame.select(wanted.of(frame.columns)).write_parquet(
            folder / "rows.parquet", compression="zstd", compression_level=1
        )
        return Fetched(path=folder / "rows.parquet", format="parquet", columns=columns)

    def _called(self, root: Path) -> Any:
        from mlspec import user
        from mlspec.machine import python_paths
        from mlspec.user.sources import locate

        name, _, wanted = self.code.partition(":")
        module = python_paths.imported(name) if locate(root, name) is None else user.module(root, name)
        function = getattr(module, wanted, None)
        if not callable(function):
            raise StepError(f"{name} has no function '{wanted}'")
        return function(**self.arguments)


def _frames(given: Any) -> "Iterator[pl.DataFrame]":
    import polars as pl

    if isinstance(given, pl.LazyFrame):
        yield given.collect(engine="streaming")
    elif hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__"):
        yield pl.DataFrame(given)
    elif isinstance(given, Iterator):
        for piece in given:
            yield from _frames(piece)
    else:
        raise StepError(
            f"it returned a {type(given).__name__}, not Arrow data: return or yield tables, batches or frames"
        )
