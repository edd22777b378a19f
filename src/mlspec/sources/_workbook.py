"""Workbooks: a sheet as a table of text."""

import functools
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlspec.machine import safe_files
from mlspec.sources import _bounds, _disguise

if TYPE_CHECKING:
    import polars as pl

LARGEST = 160 << 20  # bytes of a workbook, unpacked: in memory it takes about twice as much
ZIP, OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
LOOKED_FOR = 20  # rows in which the names of columns may be
DATES, TIMES = r"^\d{4}-\d\d-\d\d 00:00:00$", r"^1899-12-3[01] "


class Table(NamedTuple):
    """A sheet: its cells as text, by the names of its columns, and the numbers of its rows, without those that are
    empty."""

    names: list[str]
    rows: "pl.DataFrame"
    numbers: "pl.Series"


@functools.lru_cache(maxsize=1)
def table(path: Path, sheet: str | int | None, header: int | None, _state: tuple[int, ...]) -> Table:
    """A sheet of a workbook; kept, because its columns and their values are asked for one after the other.

    Raises OSError where it can't be read, and ValueError where it is no workbook, or has no such table.
    """
    import polars as pl

    cells = _cells(_content(path), sheet).with_row_index("row", offset=1)
    filled = cells.filter(pl.any_horizontal(pl.exclude("row").is_not_null()))
    if not filled.height:
        raise ValueError("the sheet is empty")
    at = int(filled["row"][0]) if header is None else header
    if header is None:
        _demand_no_title(filled)
    elif at not in filled["row"]:
        raise ValueError(f"row {at} of the sheet is empty, so it has no names of columns")
    below = filled.filter(pl.col("row") > at)
    rows, numbers = below.drop("row"), below["row"]
    found = filled.filter(pl.col("row") == at).drop("row").row(0)
    kept = [place for place, name in enumerate(found) if name is not None or rows[:, place].null_count() < rows.height]
    names = [(found[place] or "").strip() for place in kept]
    _demand_names(names)
    plain = {name: _plain(rows[:, place]) for name, place in zip(names, kept, strict=True)}
    return Table(names, pl.DataFrame(plain), numbers)


def state(path: Path) -> tuple[int, ...]:
    """What tells that a file is the same as before."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def sheets(path: Path) -> list[str]:
    """The names of a workbook's sheets, without the library that reads it; none where that takes it."""
    import html
    import re

    try:
        with safe_files.opened(path) as file, zipfile.ZipFile(file) as archive, archive.open("xl/workbook.xml") as part:
            text = part.read(1 << 20).decode("utf-8", "replace")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return []
    return [html.unescape(name) for name in re.findall(r"<(?:\w+:)?sheet\s[^>]*?\bname=\"([^\"]*)\"", text)]


def several(path: Path) -> tuple[str, ...]:
    """That a workbook has several sheets."""
    names = sheets(path)
    listed = ", ".join(map(repr, names))
    return (f"the sheets are {listed}; the first is read: sheet: NAME reads another",) if len(names) > 1 else ()


def _content(path: Path) -> bytes:
    """The bytes of a workbook. Raises ValueError for what is none, or too large."""
    with safe_files.opened(path) as file:
        data = file.read(LARGEST + 1)
    if data.startswith(ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                size = sum(part.file_size for part in archive.infolist())
                names = archive.namelist()
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ValueError(f"not a workbook: it is a damaged archive ({error})") from None
        if not any(name.startswith("xl/") or name == "content.xml" for name in names):
            raise ValueError("it is a zip archive, but no workbook: unpack it")
    elif data.startswith(OLD):
        size = len(data)
    else:
        raise ValueError(
            _disguise.disguise(data[: _disguise.LONGEST])
            or _disguise.text(data[: _disguise.LONGEST])
            or "it is no workbook"
        )
    if max(size, len(data)) > LARGEST:
        raise ValueError(
            f"it has {size >> 20:,} MiB unpacked, but at most {LARGEST >> 20} MiB are read: export the sheet as CSV"
        )
    return data


def _cells(data: bytes, sheet: str | int | None) -> "pl.DataFrame":
    """All cells of a sheet as text, from its first row on."""
    import fastexcel
    import polars as pl

    try:
        book = fastexcel.read_excel(data)
        names = book.sheet_names
        at = sheet if isinstance(sheet, str) else names[(sheet or 1) - 1] if (sheet or 1) <= len(names) else ""
        if at not in names:
            asked = f"no sheet '{sheet}'" if isinstance(sheet, str) else f"no sheet {sheet or 1}"
            raise ValueError(f"it has {asked}: its sheets are {', '.join(map(repr, names)) or 'none'}")
        found = book.load_sheet(at, header_row=None, skip_rows=0, dtypes="string", whitespace_as_null=True)
        cells = pl.DataFrame(found)
    except fastexcel.FastExcelError as error:
        raise ValueError(f"not a workbook: {str(error).splitlines()[0]}") from None
    if cells.width > _bounds.COLUMNS:
        raise ValueError(f"it has {cells.width:,} columns, but at most {_bounds.COLUMNS:,} are read")
    return cells.rename({name: f"c{place}" for place, name in enumerate(cells.columns)})


def _demand_no_title(filled: "pl.DataFrame") -> None:
    """Raises ValueError where the first row is a title above the names of the columns."""
    first = [cell for cell in filled.drop("row").row(0) if cell is not None]
    width = filled.width - 1
    if width == 1 or len(first) > 1:
        return
    for row in filled[1:LOOKED_FOR].iter_rows():
        if sum(cell is not None for cell in row[1:]) > max(1, width // 2):
            raise ValueError(
                f"row {filled['row'][0]} has a single cell, '{first[0][:40]}', as a title has: if the names of the "
                f"columns are in row {row[0]}, add header: {row[0]}"
            )


def _demand_names(names: list[str]) -> None:
    """Raises ValueError where two columns have one name, or a column other than the first has none."""
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice:
        raise ValueError(f"two columns are called '{twice}'")
    unnamed = [str(place) for place, name in enumerate(names, start=1) if not name]
    if len(unnamed) > 1:
        raise ValueError(f"columns {' and '.join(unnamed)} have no name")


def _plain(cells: "pl.Series") -> "pl.Series":
    """Cells of text: dates without the time that the format adds, and times of day without its date."""
    if cells.null_count() == len(cells):
        return cells
    if cells.str.contains(DATES).all():
        return cells.str.slice(0, 10)
    return cells.str.slice(11) if cells.str.contains(TIMES).all() else cells
