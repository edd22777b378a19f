"""Writes a small workbook, as spreadsheets do, with nothing but the standard library."""

import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from html import escape
from pathlib import Path
from typing import IO

Cell = str | int | float | bool | date | datetime | time | None
ERROR = "#N/A"
STYLES = {date: 1, datetime: 2, time: 3}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PARTS = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write(path: Path | IO[bytes], **sheets: Sequence[Sequence[Cell]]) -> None:
    """A workbook with these sheets: rows of cells from the first row and column on; ``ERROR`` is an error."""
    names = list(sheets)
    kinds = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for part, kind in [
            ("workbook", "sheet.main"),
            ("styles", "styles"),
            *((f"worksheets/s{n}", "worksheet") for n in range(len(names))),
        ]
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(
            [*(("worksheet", f"worksheets/s{n}.xml") for n in range(len(names))), ("styles", "styles.xml")]
        )
    )
    listed = "".join(f'<sheet name="{escape(name)}" sheetId="{n + 1}" r:id="r{n}"/>' for n, name in enumerate(names))
    formats = "".join(f'<xf numFmtId="{number}" applyNumberFormat="1"/>' for number in (0, 14, 22, 21))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PARTS}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PARTS}/relationships"><Relationship Id="r" '
        f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PARTS}/relationships">{links}</Relationships>',
        "xl/styles.xml": f"<styleSheet {_MAIN}><cellXfs>{formats}</cellXfs></styleSheet>",
    }
    for n, rows in enumerate(sheets.values()):
        body = "".join(
            f'<row r="{at}">{"".join(_cell(cell, f"{chr(65 + place)}{at}") for place, cell in enumerate(row))}</row>'
            for at, row in enumerate(rows, start=1)
        )
        parts[f"xl/worksheets/s{n}.xml"] = f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, _HEAD + text)


def _cell(cell: Cell, at: str) -> str:
    if cell is None:
        return ""
    if cell == ERROR:
        return f'<c r="{at}" t="e"><v>{ERROR}</v></c>'
    if isinstance(cell, bool):
        return f'<c r="{at}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, str):
        return f'<c r="{at}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    style = STYLES.get(type(cell))
    return f'<c r="{at}"{"" if style is None else f" s={chr(34)}{style}{chr(34)}"}><v>{_number(cell)}</v></c>'


def _number(cell: int | float | date | datetime | time) -> float:
    """Days since the end of 1899."""
    if isinstance(cell, time):
        return (cell.hour * 3600 + cell.minute * 60 + cell.second) / 86400
    if isinstance(cell, datetime):
        return (cell - datetime(1899, 12, 30)).total_seconds() / 86400
    return (cell - date(1899, 12, 30)).days if isinstance(cell, date) else cell
