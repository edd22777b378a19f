"""Folders of files, a row each, and archives of such folders: which files there are, what their folders say of them.

Layouts: ``label/file``, ``split/label/file``, ``split/file``, or files alone; a table ``labels.csv``, ``metadata.csv``
or ``metadata.jsonl`` next to them adds columns.
"""

import contextlib
import csv
import io
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

from msgspec import Struct

from mlspec.machine import safe_files
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _bounds

MOST_ENTRIES, MOST_BYTES, MOST_TABLE = 200_000, 256 * 1024 * 1024, 64 * 1024 * 1024
TABLES = ("labels.csv", "metadata.csv", "metadata.jsonl")
PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
FILE = "file_name"
DAMAGE = (OSError, ValueError, NotImplementedError, LookupError, ArithmeticError, struct.error)


class Folder(Struct, frozen=True, kw_only=True):
    """Its files, sorted by name: ``names`` as they are called within it, ``inner`` the prefix of these names in an
    archive; the ``table`` beside them; what the folders are called that hold files."""

    path: Path
    zipped: bool
    names: tuple[str, ...]
    inner: str = ""
    table: str | None = None
    splits: bool = False
    labels: bool = False

    def columns(self, cell: Column) -> Schema:
        """``path``, ``split`` and ``label`` if the layout has them, the columns of the table, and the content."""
        known = [Column("path", "category")]
        if self.splits:
            known.append(Column("split", "category"))
        if self.labels:
            known.append(Column("label", "category"))
        if self.table is not None:
            from mlspec.sources import _infer

            described = self.described(_bounds.ROWS)[0]
            given = {cell.name, *(c.name for c in known)}
            for name in dict.fromkeys(key for cells in described.values() for key in cells):
                if name in given:
                    raise ValueError(f"{self.table} has a column '{name}', which the files already provide")
                cells = {one[name] for one in described.values() if one.get(name)}
                known.append(Column(name, "category" if name == "label" else _infer.narrowest(cells)))
        return (*known, cell)

    def cells(self, most: int | None = None) -> tuple[dict[str, dict[str, str]], bool]:
        """What is known about each file except its content, by its name, from ``most`` rows of the table; and whether
        these are all."""
        described, everything = self.described(most) if self.table is not None else ({}, True)
        found = {}
        for name in self.names:
            cells = {"path": name}
            folders = name.split("/")[:-1]
            if self.splits:
                cells["split"] = PARTS[folders.pop(0).lower()]
            if self.labels:
                cells["label"] = folders[0]
            found[name] = {**cells, **described.get(name, {})}
        return found, everything

    def described(self, most: int | None = None) -> tuple[dict[str, dict[str, str]], bool]:
        """The table's cells by the file that they are about, empty ones left out; of its first ``most`` rows within
        ``_bounds.BYTES``, or of all. And whether these are all. Raises ValueError for a bad table."""
        table = self.table
        assert table is not None
        if most is None:
            text, whole = _text(self.content(table, MOST_TABLE), table), True
        else:
            data, whole = self.start(table, _bounds.BYTES)
            text = _text(data if whole else data[: data.rfind(b"\n") + 1], table)
        rows = _rows(text, table, most)
        if not whole and most is not None and len(rows) <= most:
            rows = rows[:-1]  # a cell of several lines may have been cut off in it
        there, found = set(self.names), {}
        for number, row in enumerate(rows if most is None else rows[:most], start=1):
            name = row.pop(FILE, None)
            if name is None or None in row:
                raise ValueError(f"{table} needs a column '{FILE}' and as many cells as columns: row {number}")
            if name not in there:
                raise ValueError(f"row {number} of {table} names '{name}', which does not exist")
            if name in found:
                raise ValueError(f"row {number} of {table} names '{name}' a second time")
            found[name] = {key: value for key, value in row.items() if value and key is not None}
        return found, whole and (most is None or len(rows) <= most)

    def content(self, name: str, most: int = MOST_BYTES) -> bytes:
        """A file's content. Raises OSError where it can't be read and ValueError where it is too long."""
        data, whole = self.start(name, most)
        if not whole:
            raise _too_long(name, most)
        return data

    def start(self, name: str, most: int) -> tuple[bytes, bool]:
        """The first bytes of a file, and whether these are all. Raises OSError where it can't be read."""
        if not self.zipped:
            with safe_files.opened(self.path / name) as file:
                data = file.read(most + 1)
        else:
            with _archive(self.path) as archive:
                data = _member(archive, self.inner + name, most)
        return data[:most], len(data) <= most

    def every(self) -> Iterator[tuple[str, bytes]]:
        """All files with their content, one after the other. Raises as ``content`` does."""
        if not self.zipped:
            yield from ((name, self.content(name)) for name in self.names)
            return
        with _archive(self.path) as archive:
            for name in self.names:
                data = _member(archive, self.inner + name, MOST_BYTES)
                if len(data) > MOST_BYTES:
                    raise _too_long(name, MOST_BYTES)
                yield name, data


def opened(path: Path, shown: str, suffixes: tuple[str, ...]) -> Folder:
    """A folder or archive of files with these endings. No file but the archive's list of contents is read.

    Raises OSError where it can't be read, ValueError where it is laid out in another way or is not safe to read.
    """
    zipped = not path.is_dir()
    names, folders = _archived(path) if zipped else _walked(path)
    inner = _common(names) if zipped else ""
    names = [name.removeprefix(inner) for name in names]
    folders = {name.removeprefix(inner).rstrip("/") for name in folders if name.startswith(inner)} - {""}
    _distinct(names, folders)
    table = next((name for name in TABLES if name in names), None)
    kept = sorted(name for name in names if name.lower().endswith(suffixes))
    for name in names:
        if "/" in name and not name.lower().endswith(suffixes):
            raise ValueError(f"'{name}' has none of the endings {', '.join(suffixes)}")
    if not kept:
        raise ValueError(f"{shown} has no file that ends in {', '.join(suffixes)}")
    full = {name.rpartition("/")[0] for name in kept}
    empty = sorted(f for f in folders if not any(one == f or one.startswith(f"{f}/") for one in full))
    if empty:
        raise ValueError(f"folder '{empty[0]}' has no file: fill it or delete it")
    plain = Folder(path=path, zipped=zipped, names=tuple(kept), inner=inner, table=table)
    if table is not None:
        return plain
    depth = kept[0].count("/")
    for name in kept:
        if name.count("/") != depth:
            raise ValueError(f"'{kept[0]}' and '{name}' are not at the same depth: label/file, or split/label/file")
    splits = depth > 0 and all(name.split("/", 1)[0].lower() in PARTS for name in kept)
    if depth - splits > 1:
        raise ValueError(f"'{kept[0]}' is too deep: label/file, or split/label/file with train, validation, test")
    return Folder(path=path, zipped=zipped, names=tuple(kept), inner=inner, splits=splits, labels=depth - splits == 1)


def kind(path: Path, endings: dict[str, tuple[str, ...]]) -> str | None:
    """Whose endings the files of a folder or archive have, by the first hundred of them; None where they have others.

    Raises OSError and ValueError as ``opened`` does.
    """
    names = [name.lower() for name in (_walked if path.is_dir() else _archived)(path)[0] if name not in TABLES][:100]
    counts = {one: sum(name.endswith(ends) for name in names) for one, ends in endings.items()}
    most = max(counts, key=lambda one: counts[one])
    return most if counts[most] * 2 > len(names) else None


def _walked(folder: Path) -> tuple[list[str], set[str]]:
    """All files and folders in a folder, hidden ones left out."""
    base, names, folders = os.path.realpath(folder), [], set()
    below = [""]
    while below:
        at = below.pop()
        with os.scandir(os.path.join(folder, at)) as entries:
            for entry in entries:
                if entry.name.startswith((".", "_")):
                    continue
                name = f"{at}/{entry.name}" if at else entry.name
                _stored_as_text(name)
                if entry.is_symlink():
                    goes = os.path.realpath(entry.path)
                    if entry.is_dir() or not goes.startswith(base + os.sep):
                        raise ValueError(f"'{name}' is a link to a place outside the folder")
                if entry.is_dir():
                    below.append(name)
                    folders.add(name)
                else:
                    names.append(name)
                if len(names) + len(folders) > MOST_ENTRIES:
                    raise ValueError(f"there are more than {MOST_ENTRIES:,} files and folders")
    return names, folders


def _archived(path: Path) -> tuple[list[str], set[str]]:
    """All files and folders in an archive, hidden ones left out."""
    names, folders = [], set()
    with _archive(path) as archive:
        entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"there are more than {MOST_ENTRIES:,} files and folders")
    for entry in entries:
        name = entry.filename
        parts = name.rstrip("/").split("/")
        if ".." in parts or "" in parts or "\\" in name or ":" in parts[0] or stat.S_ISLNK(entry.external_attr >> 16):
            raise ValueError(f"'{name}' points outside the archive")
        if entry.flag_bits & 1:
            raise ValueError(f"'{name}' is encrypted")
        if any(part.startswith((".", "_")) for part in parts):
            continue
        folders |= {"/".join(parts[:end]) for end in range(1, len(parts))}
        if entry.is_dir():
            folders.add(name.rstrip("/"))
        else:
            names.append(name)
    return names, folders


def _common(names: list[str]) -> str:
    """The folder that an archive has everything in, where it is no label: it is above them."""
    tops = {name.split("/", 1)[0] for name in names}
    top = next(iter(tops), "")
    if len(tops) != 1 or top.lower() in PARTS or top in names:
        return ""
    above = any(name.count("/") >= 2 for name in names) or any(f"{top}/{table}" in names for table in TABLES)
    return f"{top}/" if above else ""


def _distinct(names: list[str], folders: set[str]) -> None:
    """Raises ValueError for two names that are equal on case-insensitive systems."""
    seen: dict[str, str] = {}
    for name in [*sorted(names), *sorted(folders)]:
        other = seen.setdefault(name.casefold(), name)
        if other is not name:
            how = "occurs twice" if other == name else f"and '{name}' have names that differ only in case"
            raise ValueError(f"'{other}' {how}")


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member's bytes, no more than ``most`` and one: what an archive says of its size is not believed."""
    try:
        with archive.open(name) as file:
            return file.read(most + 1)
    except KeyError:
        raise ValueError(f"'{name}' is no longer in the archive") from None
    except Exception as error:  # each way to compress has errors of its own
        raise ValueError(f"'{name}' is damaged: {error}") from None


def _too_long(name: str, most: int) -> ValueError:
    return ValueError(f"'{name}' is longer than {most // 1024 // 1024} MiB")


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """An open archive. Raises ValueError where it is none."""
    with safe_files.opened(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, *DAMAGE):
            raise ValueError("this is neither a folder nor a complete zip file") from None
        with archive:
            yield archive


def _stored_as_text(name: str) -> None:
    """Raises ValueError for a name whose bytes are no text: nothing could write it down."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the name {name!a} is not UTF-8: rename it") from None


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8 text") from None


def _rows(text: str, table: str, most: int | None) -> list[dict[str | None, str]]:
    """The rows of a table, no more than ``most`` and one."""
    limit = None if most is None else most + 1
    if not table.endswith(".jsonl"):
        try:
            reader = csv.reader(io.StringIO(text, newline=""))
            names = next(reader, [])
            if len(names) > _bounds.COLUMNS:
                raise ValueError(f"{table} has {len(names):,} columns, but at most {_bounds.COLUMNS:,} are read")
            lines = list(islice((line for line in reader if line), limit))
        except csv.Error as error:
            raise ValueError(f"{table} is not delimited text: {error}") from None
        # More cells than columns leave one without a name.
        return [dict(zip_longest(names[: len(line)], line)) for line in lines]
    from mlspec.sources import _json_lines

    try:
        return _json_lines.single(text, limit)
    except ValueError as error:
        raise ValueError(f"{table}: {error}") from None
