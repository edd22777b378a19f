"""What sources of folders of files share: a row a file, its content in a column."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _bounds, _folders
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl

ROWS, BYTES = 2_048, 64 * 1024 * 1024  # of a piece that is in memory while a folder is read
LOOKED_AT = 200


class FolderSource(FileSource, frozen=True, kw_only=True):
    """A row a file of a folder or of an archive. ``content`` is the column of what is in the files, ``endings`` are
    those of its files."""

    by_files: ClassVar[bool] = False
    content: ClassVar[Column]
    endings: ClassVar[tuple[str, ...]]
    not_features: ClassVar[tuple[str, ...]] = ("path", "split")

    @abstractmethod
    def cell(self, data: bytes, name: str) -> Any:
        """A file's content as a cell. Raises StepError, naming ``name``, where it is none."""

    def files(self, root: Path) -> dict[str, Path]:
        """The archive, or the folder as one: a lock that names each image would be longer than the spec."""
        return {} if self.is_fetched else {self.path: root / self.path}

    def starts(self) -> dict[str, str]:
        """The folder or archive."""
        return {} if self.is_fetched else {"path": self.path}

    def is_probed_apart(self, root: Path) -> bool:
        """An archive can mean any number of entries and bytes."""
        return not self.is_fetched and not (root / self.path).is_dir()

    def head(self, path: Path) -> Schema:
        """The columns of a folder."""
        return _folders.opened(path, self.path, self.endings).columns(self.content)

    def columns(self, root: Path) -> Schema:
        """The columns by the names of folders and files and the table beside them; no file of the folder is read."""
        if self.is_fetched:
            raise LookupError(self.path)
        return self.head(root / self.path)

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """All values of a column that names or the table give; those of the first files where it is their content."""
        found = self._opened(root)
        if column != self.content.name:
            cells, everything = found.cells(_bounds.ROWS)
            return tuple(one[column] for one in cells.values() if one.get(column)), everything
        if self.content.type != "category":
            return None
        first: list[Any] = []
        left = _bounds.BYTES
        for name in found.names[:LOOKED_AT]:
            data, whole = found.start(name, left)
            left -= len(data)
            if not whole:
                break
            first.append(self._cell(data, name))
        return tuple(first), len(first) == len(found.names)

    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """A row a file, in the order of their names. Raises StepError that names a file which can't be read."""
        return self.read(root / self.path, columns, self.path)

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """The rows of one folder."""
        import polars as pl
        from polars.io.plugins import register_io_source

        from mlspec.sources import _cast

        try:
            found = _folders.opened(path, name, self.endings)
            known = found.cells()[0]
        except ValueError as error:
            raise StepError(f"{name}: {error}") from None
        plain = tuple(c for c in columns if c.name != self.content.name)
        text = {c.name: [cells.get(c.name) for cells in known.values()] for c in plain}
        frame = pl.LazyFrame(text, schema=dict.fromkeys(text, pl.String))
        cells = _cast.from_text(frame, plain, name).collect() if plain else pl.DataFrame()
        if len(plain) == len(columns):
            return cells.lazy()
        own = self.content.name
        schema = {c.name: _cast.dtype(c) for c in columns}

        def pieces(*_asked: Any) -> "Iterator[pl.DataFrame]":
            at = 0
            for batch in self._batches(found):
                content = pl.Series(own, batch, dtype=schema[own])
                rows = cells.slice(at, len(batch)).with_columns(content) if plain else content.to_frame()
                yield rows.select(list(schema))
                at += len(batch)

        return register_io_source(pieces, schema=schema)

    def _opened(self, root: Path) -> _folders.Folder:
        return _folders.opened(root / self.path, self.path, self.endings)

    def _batches(self, found: _folders.Folder) -> Iterator[list[Any]]:
        batch: list[Any] = []
        size = 0
        try:
            for name, data in found.every():
                batch.append(self._cell(data, name))
                size += len(data)
                if len(batch) == ROWS or size >= BYTES:
                    yield batch
                    batch, size = [], 0
        except ValueError as error:
            raise StepError(f"{self.path}: {error}") from None
        if batch:
            yield batch

    def _cell(self, data: bytes, name: str) -> Any:
        return self.cell(data, f"'{name}' of {self.path}")
