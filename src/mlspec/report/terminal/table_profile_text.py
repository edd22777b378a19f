"""A table's profile for people: in the terminal, and as one page that needs nothing else."""

from collections.abc import Iterator
from pathlib import Path

from mlspec import formatting
from mlspec.report.facts.table_profile import ProfiledColumn, TableProfile
from mlspec.report.page import image_sizes
from mlspec.report.page.markup import Html, element
from mlspec.report.page.page import POLICY
from mlspec.report.page.tables import row, table
from mlspec.report.terminal.paint import joined
from mlspec.report.terminal.run import aligned

SHOWN = 38


def text(found: TableProfile) -> str:
    """The profile as aligned text."""
    from mlspec.diagnostics import printable

    size = f"{formatting.count(found.rows, 'row')}, {formatting.count(len(found.columns), 'column')}"
    lines = [f"{printable(found.of)}: {size}"]
    rows = [("column", "type", "missing", "distinct", "values")]
    rows += [
        (printable(c.name), c.type + (f", {c.role}" if c.role else ""), _share(c.missing), f"{c.distinct:,}", values(c))
        for c in found.columns
    ]
    lines += ["", *aligned([(*cells[:4], printable(cells[4])) for cells in rows], right=(2, 3))]
    for title, message in _rest(found):
        lines += ["", title, *(f"  {printable(one)}" for one in message)]
    return joined(lines)


def page(found: TableProfile) -> str:
    """The profile as HTML: no network, no script."""
    from mlspec import __version__

    heads = ("column", "type", ("missing", "figure"), ("distinct", "figure"), "values")
    rows = [
        row(
            c.name,
            [
                element("td", c.type, element("small", f" {c.role}") if c.role else None),
                element("td", _share(c.missing), class_="figure"),
                element("td", f"{c.distinct:,}", class_="figure"),
                element("td", values(c), class_="values"),
            ],
        )
        for c in found.columns
    ]
    style = Html((Path(__file__).parents[1] / "page" / "page.css").read_text(encoding="utf-8"))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", f"Profile of {found.of}"),
        element("style", style),
    )
    title = f"{formatting.count(found.rows, 'row')}, {formatting.count(len(found.columns), 'column')}"
    rest = [
        element("section", element("h2", name), element("ul", [element("li", one) for one in message]))
        for name, message in _rest(found)
    ]
    body = element(
        "body",
        element("header", element("h1", f"Profile of {found.of}"), element("p", title, class_="goal")),
        element("main", element("section", element("h2", "Columns"), table("Columns", heads, rows)), rest),
        element("footer", f"Made by mlspec {__version__}."),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def values(column: ProfiledColumn) -> str:
    """What a column holds, in a line."""
    if column.type == "other":
        return column.hint
    if column.quantiles:
        least, low, first, median, third, high, greatest = (formatting.figure(q) for q in column.quantiles)
        return f"{least} to {greatest}, median {median}, IQR {first} to {third}, 5th-95th percentile {low} to {high}"
    if column.images is not None:
        return image_sizes.words(column.images)
    if column.first is not None:
        return f"{column.first} to {column.last}"
    if column.common:
        return ", ".join(f"{_short(one.value)} ({one.rows:,})" for one in column.common)
    return ""


def _rest(found: TableProfile) -> Iterator[tuple[str, list[str]]]:
    """Notes, balance, correlations and duplicates of the whole table."""
    if found.notes:
        yield "Notes", list(found.notes)
    if found.balance:
        total = sum(one.rows for one in found.balance)
        message = [f"{one.value}: {one.rows:,} ({one.rows / total:.1%})" for one in found.balance]
        yield f"Target {found.target}", message
    if found.correlations:
        yield "Correlations", [f"{c.one} and {c.other}: {c.value:+.2f}" for c in found.correlations]
    if found.duplicates:
        yield "Duplicates", [f"{formatting.count(found.duplicates, 'row')} equal to an earlier row"]


def _share(missing: float) -> str:
    return f"{missing:.1%}" if missing else "0"


def _short(value: str) -> str:
    return value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
