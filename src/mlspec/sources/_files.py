"""What all sources of files share: one file, a folder or a pattern of them, or an address that is fetched."""

import functools
import os
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column, Schema
from mlspec.plugins.source import Fetched, Source, Wanted

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    import polars as pl

    Frame = TypeVar("Frame", bound=pl.LazyFrame | None)

MOST_FILES, MOST_ENTRIES = 10_000, 100_000
PATTERN = frozenset("*?[")
NOTHING = "__HIVE_DEFAULT_PARTITION__"  # what partitioned folders write for a missing value


class FileSource(Source, frozen=True, kw_only=True):
    """Files of one format. A folder's name ``year=2024`` is a column of all rows in it."""

    by_files: ClassVar[bool] = True

    path: Annotated[
        str,
        Meta(
            description="The file, relative to the spec's folder. A folder, or a pattern with * and **, means all "
            "its files, stacked; https://, s3://, gs:// and az:// are downloaded before a run.",
            min_length=1,
        ),
    ]
    parts: Annotated[
        Literal["file"] | None,
        Meta(
            description="file: each file is read, split and prepared by steps of its own, on any node of a cluster. "
            "For tables that outgrow a machine."
        ),
    ] = None

    @abstractmethod
    def head(self, path: Path) -> Schema:
        """The columns of one file. Raises OSError and ValueError as ``columns`` does."""

    @abstractmethod
    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """The rows of one file, cast; ``name`` is what people know it by."""

    def read_once(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame | None":
        """The rows of one file as ``quick`` gives them."""
        return None

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """A column's values in the first rows of one file."""
        return None

    def where(self) -> str:
        """The path as it is in the spec."""
        from mlspec.sources import _secrets

        return _secrets.masked(self.path) if self.is_fetched else self.path

    @property
    def is_fetched(self) -> bool:
        """Whether the path is an address."""
        return "://" in self.path

    def fetch(self, root: Path, folder: Path, wanted: Wanted, mark: str) -> Fetched | None:
        """The file's bytes."""
        from mlspec.sources import _download

        return _download.file(self.path, folder, mark)

    def starts(self) -> dict[str, str]:
        """The file; of a pattern the folder above its first part with a sign."""
        return {} if self.is_fetched else {"path": _start(self.path) or "."}

    def files(self, root: Path) -> dict[str, Path]:
        """The files that the path means, sorted by name."""
        if self.is_fetched:
            return {}
        path = root / self.path
        if PATTERN.isdisjoint(self.path) and not path.is_dir():
            return {self.path: path}
        found = _matching(root, self.path, self.suffixes)
        return {name: root / name for name in found}

    def columns(self, root: Path) -> Schema:
        """The columns of the first file and of its folders' names; the last file must have the same ones."""
        if self.is_fetched:
            raise LookupError(self.path)
        files = list(self.files(root).items())
        if not files:
            raise FileNotFoundError(2, "no file matches", self.path)
        columns, folders = self.head(files[0][1]), _partitions(files[0][0])
        if len(files) > 1:
            from mlspec.sources._nested import NO_VALUES

            other = self.head(files[-1][1])
            if {c.name for c in other} != {c.name for c in columns}:
                raise ValueError(f"{files[-1][0]} has different columns than {files[0][0]}")
            known_later = {c.name: c for c in other if c.type != "other"}
            columns = tuple(known_later.get(c.name, c) if c.hint == NO_VALUES else c for c in columns)
        if folders:
            from mlspec.sources import _infer

            known = {c.name for c in columns}
            every = [_partitions(name) for name, _path in files]
            cells = {n: {v for one in every if (v := one.get(n)) is not None} for n in folders if n not in known}
            # `month=01` is a number all the same: the zero is for sorting.
            plain = {n: {v.lstrip("0") or "0" if v.isdigit() else v for v in seen} for n, seen in cells.items()}
            columns += tuple(Column(n, _infer.narrowest(seen)) for n, seen in plain.items())
        return columns

    def of_folders(self, root: Path, columns: Schema) -> Schema:
        """Those of ``columns`` that only the folders' names give."""
        name, path = next(iter(self.files(root).items()))
        folders = _partitions(name)
        own = {column.name for column in self.head(path)} if folders else set()
        return tuple(column for column in columns if column.name in folders and column.name not in own)

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first rows of the first file."""
        files = list(self.files(root).items())
        if not files:
            return None
        folders = _partitions(files[0][0])
        if column in folders and column not in {c.name for c in self.head(files[0][1])}:
            return tuple(v for name, _p in files if (v := _partitions(name).get(column)) is not None), False
        seen = self.head_values(files[0][1], column)
        return seen if seen is None or len(files) == 1 else (seen[0], False)

    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """The rows of all files, in the order of their names."""
        return self._below(self._frames(root, columns, self.read))

    def quick(self, root: Path, columns: Schema) -> "pl.LazyFrame | None":
        """The same."""
        frames = self._frames(root, columns, self.read_once)
        known = [frame for frame in frames if frame is not None]
        return self._below(known) if len(known) == len(frames) else None

    def _below(self, frames: "list[pl.LazyFrame]") -> "pl.LazyFrame":
        import polars as pl

        if len(frames) == 1:
            return frames[0]
        have = [frame.collect_schema() for frame in frames]
        unsigned = {name for one in have for name, kind in one.items() if kind == pl.UInt64}
        for at, one in enumerate(have):
            signed = [name for name in unsigned if one.get(name) == pl.Int64]
            frames[at] = frames[at].with_columns(pl.col(signed).cast(pl.UInt64)) if signed else frames[at]
        return pl.concat(frames, how="vertical_relaxed")

    def _frames(self, root: Path, columns: Schema, read: "Callable[[Path, Schema, str], Frame]") -> "list[Frame]":
        files = self.files(root)
        if not files:
            raise StepError(f"no file matches {self.path} any more")
        frames = []
        for name, path in files.items():
            if not path.exists():
                raise StepError(f"{name} no longer exists")
            folders = _partitions(name)
            stored = {c.name for c in self.head(path)} if folders else set()
            added = [c for c in columns if c.name in folders and c.name not in stored]
            rows = read(path, tuple(c for c in columns if c not in added), name)
            if added and rows is not None:
                rows = _with_folders(rows, added, folders).select([c.name for c in columns])
            frames.append(rows)
        return frames


def _with_folders(rows: Any, added: list[Column], folders: dict[str, str | None]) -> Any:
    import polars as pl

    from mlspec.sources import _cast

    rows = rows.with_columns([pl.lit(folders[c.name], dtype=pl.String).alias(c.name) for c in added])
    return rows.with_columns([_cast.parsed(c).alias(c.name) for c in added])


def _partitions(name: str) -> dict[str, str | None]:
    """The columns that the folders of a path name, with their values."""
    found: dict[str, str | None] = {}
    for part in name.split("/")[:-1]:
        key, equals, value = part.partition("=")
        if equals and key.isidentifier():
            from urllib.parse import unquote

            found[key] = None if value == NOTHING else unquote(value)
    return found


def _matching(root: Path, pattern: str, suffixes: tuple[str, ...]) -> list[str]:
    """The files that match, by their names from the root. Raises ValueError where there are too many to look at."""
    start = _start(pattern)
    wanted = None if PATTERN.isdisjoint(pattern) else _parts(pattern.rstrip("/"))
    found: list[str] = []
    seen = 0
    base = os.path.join(root, start)
    before = start if not start or start.endswith("/") else f"{start}/"
    for folder, folders, names in os.walk(base):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "_")))
        relative = os.path.relpath(folder, base).replace(os.sep, "/")
        within = before if relative == "." else f"{before}{relative}/"
        seen += len(names) + len(folders)
        if seen > MOST_ENTRIES or len(found) > MOST_FILES:
            raise ValueError(f"'{pattern}' matches too many files (more than {MOST_ENTRIES:,} entries)")
        for name in names:
            path = within + name
            if name.startswith((".", "_")):
                continue
            if _matches(wanted, path.split("/")) if wanted is not None else name.lower().endswith(suffixes):
                _stored_as_text(path)
                found.append(path)
    return sorted(found)


def _start(pattern: str) -> str:
    """The part of a path that is no pattern."""
    parts = pattern.rstrip("/").split("/")
    fixed = next((i for i, part in enumerate(parts) if not PATTERN.isdisjoint(part)), len(parts))
    return "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else "")


def _stored_as_text(path: str) -> None:
    """Raises ValueError for a name whose bytes are no text: nothing could write it down."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the name of the file {path!a} is not UTF-8: rename it") from None


@functools.lru_cache(maxsize=8)
def _parts(pattern: str) -> "tuple[re.Pattern[str] | None, ...]":
    """A path pattern by its parts: ``**`` (None) means any folders, ``*`` and ``?`` stay within one name."""
    import fnmatch
    import re

    return tuple(None if part == "**" else re.compile(fnmatch.translate(part)) for part in pattern.split("/"))


def _matches(parts: "tuple[re.Pattern[str] | None, ...]", names: list[str]) -> bool:
    """Whether a path matches. The time it takes grows with the parts and the names, and no faster."""
    last = len(parts) - 1

    def fits(position: int, name: str) -> bool:
        part = parts[position]
        return part is None or part.match(name) is not None

    at = _reached(parts, {0})
    for name in names[:-1]:
        fitting = {p for p in at if (p < last or parts[p] is None) and fits(p, name)}
        at = _reached(parts, {p if parts[p] is None else p + 1 for p in fitting})
    return last in at and fits(last, names[-1])


def _reached(parts: "tuple[re.Pattern[str] | None, ...]", positions: set[int]) -> set[int]:
    """These positions, and those behind each ``**`` that means no folder."""
    found = set(positions)
    for position in positions:
        while position < len(parts) - 1 and parts[position] is None:
            position += 1
            found.add(position)
    return found
