"""Damages to a CSV table as people and programs make them, each with what a right reading gives.

``DAMAGES`` maps a name to a function ``table -> Damaged``. Imports the standard library alone.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

Value = float | int | str | datetime | None
"""A cell as it should be read; a date is a datetime at midnight, a moment is in UTC without its zone."""
Expected = dict[str, list[Value | tuple[Value, ...]]]
"""What each column should hold; a tuple: any of these is right."""


@dataclass(frozen=True)
class Table:
    """Cells as text; an empty one is missing."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, name: str) -> list[str]:
        """A column's cells."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]

    def numeric(self) -> list[str]:
        """The columns whose cells are all numbers."""
        return [name for name in self.header if all(is_number(c) for c in self.column(name) if c)]

    def texts(self) -> list[str]:
        """The other columns."""
        numeric = set(self.numeric())
        return [name for name in self.header if name not in numeric]

    def changed(self, name: str, change: Callable[[int, str], str]) -> "Table":
        """With a column's cells changed by their row's number and text."""
        at = self.header.index(name)
        return replace(self, rows=tuple((*r[:at], change(n, r[at]), *r[at + 1 :]) for n, r in enumerate(self.rows)))

    def added(self, name: str, cell: Callable[[int], str]) -> "Table":
        """With one more column, the first."""
        return Table((name, *self.header), tuple((cell(n), *r) for n, r in enumerate(self.rows)))

    def expected(self) -> Expected:
        """What a right reading of the undamaged table gives."""
        numeric = set(self.numeric())
        return {c: [value(cell, c in numeric) for cell in self.column(c)] for c in self.header}


@dataclass(frozen=True)
class Damaged:
    """``content`` of a file called ``data.ENDING``; ``refuse``: there is no right reading, only a refusal."""

    content: bytes
    expected: Expected
    ending: str = "csv"
    refuse: bool = False


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in ("nan", "inf", "-inf") and "_" not in cell


def value(cell: str, numeric: bool) -> Value:
    if not cell:
        return None
    if not numeric:
        return cell
    return int(cell) if cell.lstrip("+-").isdigit() else float(cell)


def text(table: Table, separator: str = ",", end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    """The table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return out.getvalue()


def plain(table: Table, separator: str = ",", end: str = "\n", encoding: str = "utf-8") -> Damaged:
    return Damaged(text(table, separator, end).encode(encoding), table.expected())


def some(table: Table, share: float) -> set[int]:
    """A few rows, always the last among them; the same for tables of one length."""
    random = Random(len(table.rows))
    return {n for n in range(len(table.rows)) if random.random() < share} | {len(table.rows) - 1}


def decimal_comma(table: Table) -> Damaged:
    made = table
    for name in table.numeric():
        made = made.changed(name, lambda _n, cell: cell.replace(".", ","))
    return Damaged(text(made, ";").encode(), table.expected())


def grouped(cell: str, mark: str, point: str) -> str:
    if not cell or "e" in cell.lower():
        return cell
    whole, _, rest = cell.partition(".")
    return f"{int(whole):,}".replace(",", mark) + (point + rest if rest else "")


def thousands(table: Table) -> Damaged:
    made = table.added("turnover", lambda n: str(1000 + 1237 * n))
    return Damaged(text(made.changed("turnover", lambda _n, cell: grouped(cell, ",", "."))).encode(), made.expected())


def german_numbers(table: Table) -> Damaged:
    made = table.added("turnover", lambda n: f"{1000 + 1237.25 * n:.2f}")
    shown = made
    for name in made.numeric():
        shown = shown.changed(name, lambda _n, cell: grouped(cell, ".", ","))
    return Damaged(text(shown, ";").encode(), made.expected())


def currency(table: Table) -> Damaged:
    made = table.added("paid", lambda n: f"{3 + 17.25 * n:.2f}")
    return Damaged(text(made.changed("paid", lambda _n, c: "$" + grouped(c, ",", "."))).encode(), made.expected())


def accounting(table: Table) -> Damaged:
    made = table.added("balance", lambda n: f"{(-1) ** n * (3 + 17.25 * n):.2f}")
    written = made.changed(
        "balance", lambda _n, c: f"({grouped(c[1:], ',', '.')})" if c[0] == "-" else grouped(c, ",", ".")
    )
    return Damaged(text(written).encode(), made.expected())


def percent(table: Table) -> Damaged:
    made = table.added("rate", lambda n: f"{n % 97 + 0.5}%")
    expected = made.expected()
    expected["rate"] = [(n % 97 + 0.5, (n % 97 + 0.5) / 100) for n in range(len(table.rows))]
    return Damaged(text(made).encode(), expected)


def latin_1(table: Table) -> Damaged:
    made = table.added("town", lambda n: ("Zürich", "Orléans", "Málaga", "Oslo")[n % 4])
    return Damaged(text(made).encode("latin-1", "replace"), made.expected())


def utf_16(table: Table) -> Damaged:
    return plain(table.added("town", lambda n: ("Zürich", "Orléans", "Málaga", "Oslo")[n % 4]), "\t", "\r\n", "utf-16")


def crlf_blank(table: Table) -> Damaged:
    return Damaged((text(table, end="\r\n") + "\r\n\r\n").encode(), table.expected())


def empty_rows(table: Table) -> Damaged:
    return Damaged((text(table) + ("," * (len(table.header) - 1) + "\n") * 3).encode(), table.expected())


def total_row(table: Table) -> Damaged:
    numeric = set(table.numeric())
    total = [f"{sum(float(c or 0) for c in table.column(n)):g}" if n in numeric else "" for n in table.header]
    made = table.added("branch", lambda n: f"branch {n % 7}")
    return Damaged((text(made) + ",".join(["Total", *total]) + "\n").encode(), made.expected())


def index_column(table: Table) -> Damaged:
    return Damaged(text(table.added("", str)).encode(), table.expected())


def duplicate_header(table: Table) -> Damaged:
    made = table.added("amount", lambda n: str(n * 3))
    made = replace(made, header=("amount", "amount", *made.header[2:]))
    expected = Table(made.header[2:], tuple(r[2:] for r in made.rows)).expected()
    return Damaged(text(made).encode(), expected, refuse=True)


def blank_header(table: Table) -> Damaged:
    made = table.added("gone", lambda n: f"note {n % 11}")
    expected = table.expected()
    return Damaged(
        text(
            Table((*table.header[:1], "", *table.header[1:]), tuple((r[1], r[0], *r[2:]) for r in made.rows))
        ).encode(),
        expected,
        refuse=True,
    )


def header_lines(table: Table) -> Damaged:
    return plain(table.added('size, "outer"\n(mm)', lambda n: str(n % 50)))


def missing_words(table: Table) -> Damaged:
    words = ("NA", "N/A", "?", "-", "None", "null", "nan", "NaN")
    made = table.added("reading", lambda n: str(n % 13))
    gone = some(made, 0.1)
    shown = made.changed("reading", lambda n, cell: words[n % len(words)] if n in gone else cell)
    return Damaged(text(shown).encode(), made.changed("reading", lambda n, c: "" if n in gone else c).expected())


def namibia(table: Table) -> Damaged:
    return plain(table.added("country", lambda n: ("NA", "FR", "DE", "null", "None")[n % 5]))


def zones(table: Table) -> Damaged:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    marks = ("Z", "+02:00", "-0530", "+00:00")
    hours = (0.0, 2.0, -5.5, 0.0)

    def cell(n: int) -> str:
        there = start + timedelta(hours=n + hours[n % 4])
        return there.strftime("%Y-%m-%dT%H:%M:%S") + (".250" if n % 8 == 5 else "") + marks[n % 4]

    made = table.added("at", cell)
    expected = made.expected()
    moments = [
        (start + timedelta(hours=n, milliseconds=250 * (n % 8 == 5))).replace(tzinfo=None)
        for n in range(len(table.rows))
    ]
    expected["at"] = list(moments)
    return Damaged(text(made).encode(), expected)


def dates(table: Table, form: str) -> Damaged:
    days = [datetime(2021, 1, 1) + timedelta(days=n % 700) for n in range(len(table.rows))]
    made = table.added("on", lambda n: days[n].strftime(form))
    expected = made.expected()
    expected["on"] = [(day, day.strftime(form)) for day in days]
    return Damaged(text(made).encode(), expected)


def long_ids(table: Table) -> Damaged:
    return plain(table.added("ref", lambda n: str(1582218195625938946 + n)))


def longer_ids(table: Table) -> Damaged:
    made = table.added("ref", lambda n: str(98765432109876543210987 + n))
    expected = made.expected()
    expected["ref"] = [(98765432109876543210987 + n, str(98765432109876543210987 + n)) for n in range(len(table.rows))]
    return Damaged(text(made).encode(), expected)


def unsigned_ids(table: Table) -> Damaged:
    made = table.added("ref", lambda n: str(2**63 + n))
    expected = made.expected()
    expected["ref"] = [(2**63 + n, str(2**63 + n)) for n in range(len(table.rows))]
    return Damaged(text(made).encode(), expected)


def leading_zeros(table: Table) -> Damaged:
    made = table.added("zip", lambda n: f"{n % 9999:05d}")
    return Damaged(text(made).encode(), {**made.expected(), "zip": [f"{n % 9999:05d}" for n in range(len(made.rows))]})


def late_zeros(table: Table) -> Damaged:
    """A code of digits whose leading zeros are seen near the end alone."""
    last = len(table.rows) - 2
    codes = [f"{n % 900 + 100}" if n < last else f"{n % 90:03d}" for n in range(len(table.rows))]
    made = table.added("code", lambda n: codes[n])
    return Damaged(text(made).encode(), {**made.expected(), "code": list(codes)})


def late_text(table: Table) -> Damaged:
    last = len(table.rows) - 2
    made = table.added("count", lambda n: "about ten" if n == last else str(n % 40))
    return Damaged(
        text(made).encode(),
        {**made.expected(), "count": ["about ten" if n == last else str(n % 40) for n in range(len(made.rows))]},
    )


def late_float(table: Table) -> Damaged:
    last = len(table.rows) - 2
    return plain(table.added("count", lambda n: "3.5" if n == last else str(n % 40)))


def late_big(table: Table) -> Damaged:
    last = len(table.rows) - 2
    return plain(table.added("count", lambda n: "9007199254740993" if n == last else str(n % 40)))


def bare_quote(table: Table) -> Damaged:
    at = some(table, 0.02)
    made = table.added("part", lambda n: '5" pipe' if n in at else "bolt")
    expected = made.expected()
    lines = text(made.changed("part", lambda _n, c: c.replace('"', "\x01"))).replace("\x01", '"')
    return Damaged(lines.encode(), expected)


def quoted(table: Table) -> Damaged:
    made = table.added("note", lambda n: ('say "hi", then\ngo', "a;b", "plain", ",")[n % 4])
    return plain(made)


def trailing_separator(table: Table) -> Damaged:
    lines = text(table).splitlines()
    return Damaged(("\n".join([lines[0], *(line + "," for line in lines[1:])]) + "\n").encode(), table.expected())


def trailing_everywhere(table: Table) -> Damaged:
    return Damaged(("\n".join(line + "," for line in text(table).splitlines()) + "\n").encode(), table.expected())


def spaces(table: Table) -> Damaged:
    wide = Table(tuple(f" {n} " for n in table.header), tuple(tuple(f" {c} " for c in r) for r in table.rows))
    return Damaged(text(wide).encode(), table.expected())


def gzip_as_csv(table: Table) -> Damaged:
    return Damaged(gzip.compress(text(table).encode(), mtime=0), table.expected(), refuse=True)


def zip_as_csv(table: Table) -> Damaged:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("table.csv"), text(table))
    return Damaged(packed.getvalue(), table.expected(), refuse=True)


def gzip_cut(table: Table) -> Damaged:
    whole = gzip.compress(text(table).encode(), mtime=0)
    return Damaged(whole[: len(whole) * 2 // 3], {}, "csv.gz", refuse=True)


def sep_line(table: Table) -> Damaged:
    return Damaged(("sep=;\n" + text(table, ";")).encode(), table.expected())


def ragged(table: Table) -> Damaged:
    lines = text(table).splitlines()
    lines[len(lines) * 3 // 4] += ",extra,cells"
    return Damaged(("\n".join(lines) + "\n").encode(), {}, refuse=True)


def short_row(table: Table) -> Damaged:
    lines = text(table).splitlines()
    at = len(lines) * 3 // 4
    lines[at] = lines[at].split(",")[0]
    return Damaged(("\n".join(lines) + "\n").encode(), {}, refuse=True)


def cut_line(table: Table) -> Damaged:
    """A file whose writer stopped in the middle of a row."""
    content = text(table).encode().rstrip(b"\n")
    return Damaged(content[: content.rindex(b",")], {}, refuse=True)


def preamble(table: Table) -> Damaged:
    return Damaged(("Sales report\nmade on 2024-05-01\n\n" + text(table)).encode(), table.expected())


def code_floats(table: Table) -> Damaged:
    """Codes that read as numbers: the hint is all that a reader can give."""
    codes = ("1E10", "2E03", "3E7", "12E1")
    made = table.added("batch", lambda n: codes[n % 4])
    expected = made.expected()
    expected["batch"] = [(float(codes[n % 4]), codes[n % 4]) for n in range(len(table.rows))]
    return Damaged(text(made).encode(), expected)


def bad_bytes(table: Table) -> Damaged:
    """One byte that is no UTF-8, near the end of a UTF-8 file."""
    made = table.added("town", lambda n: ("Zürich", "Oslo")[n % 2])
    content = text(made).encode()
    at = content.rindex("Zürich".encode())
    return Damaged(content[:at] + b"Z\xfcrich" + content[at + 7 :], {}, refuse=True)


DAMAGES: dict[str, Callable[[Table], Damaged]] = {
    "none": lambda table: plain(table),
    "semicolon": lambda table: plain(table, ";"),
    "tab": lambda table: plain(table, "\t"),
    "pipe": lambda table: plain(table, "|"),
    "decimal comma": decimal_comma,
    "thousands": thousands,
    "1.234,56": german_numbers,
    "currency": currency,
    "accounting": accounting,
    "percent": percent,
    "latin-1": latin_1,
    "UTF-16": utf_16,
    "BOM": lambda table: plain(table, encoding="utf-8-sig"),
    "CR": lambda table: plain(table, end="\r"),
    "CRLF, blank lines": crlf_blank,
    "rows of blanks": empty_rows,
    "Total row": total_row,
    "index column": index_column,
    "duplicate header": duplicate_header,
    "blank header": blank_header,
    "header with lines": header_lines,
    "missing words": missing_words,
    "Namibia": namibia,
    "zones": zones,
    "US dates": lambda table: dates(table, "%m/%d/%Y"),
    "European dates": lambda table: dates(table, "%d.%m.%Y"),
    "19 digits": long_ids,
    "unsigned": unsigned_ids,
    "23 digits": longer_ids,
    "leading zeros": leading_zeros,
    "late zeros": late_zeros,
    "late text": late_text,
    "late float": late_float,
    "late 2^53": late_big,
    "bare quote": bare_quote,
    "quoted lines": quoted,
    "trailing separator": trailing_separator,
    "trailing, in header": trailing_everywhere,
    "spaces": spaces,
    "gzip as .csv": gzip_as_csv,
    "zip as .csv": zip_as_csv,
    "cut gzip": gzip_cut,
    "sep= line": sep_line,
    "long row": ragged,
    "short row": short_row,
    "cut row": cut_line,
    "preamble": preamble,
    "1E10 codes": code_floats,
    "stray byte": bad_bytes,
}
