"""The page's section about the data: sources, columns, how rows were split, what was expected of them."""

from mlspec.report import words
from mlspec.report.charts import shares
from mlspec.report.facts import ColumnFact, DataFacts, RunFacts
from mlspec.report.markup import Child, Html, element

ROLES = ("target", "feature", "sensitive", "id", "key", "unused")


def data(facts: RunFacts) -> Html | None:
    """Sources, split, columns by role and expectations."""
    found = facts.data
    if not found.sources:
        return None
    return element("div", _sources(found), _split(found), _columns(found.columns), _expectations(found))


def _sources(found: DataFacts) -> Html:
    rows: list[Child] = [
        element(
            "tr",
            element("td", source.name, class_="name"),
            element("td", element("code", source.path)),
            element("td", source.format),
            element("td", source.part or ""),
            element("td", element("code", (source.digest or "")[:12])),
        )
        for source in found.sources
    ]
    heads = [element("th", name) for name in ("source", "file", "format", "part", "digest")]
    return element(
        "div", element("table", element("thead", element("tr", heads)), element("tbody", rows)), class_="card"
    )


def _split(found: DataFacts) -> Child:
    bar = shares(found.rows)
    if bar is None:
        return None
    keys = [
        element("span", element("i", class_=f"part{index}"), f"{name} {rows:,}", class_="legend")
        for index, (name, rows) in enumerate(found.rows.items())
    ]
    return [
        element("h3", f"{words.count(sum(found.rows.values()), 'row')}"),
        element("div", bar, element("p", keys), class_="card pad"),
    ]


def _columns(columns: tuple[ColumnFact, ...]) -> Child:
    if not columns:
        return None
    ordered = sorted(columns, key=lambda column: ROLES.index(column.role) if column.role in ROLES else len(ROLES))
    chips = [
        element(
            "li",
            column.name,
            element("small", column.type if column.role == "feature" else f"{column.type}, {column.role}"),
            class_=column.role,
        )
        for column in ordered
    ]
    return [element("h3", words.count(len(columns), "column")), element("ul", chips, class_="chips")]


def _expectations(found: DataFacts) -> Child:
    if not found.expectations:
        return None
    rows = [
        element(
            "tr",
            element(
                "td",
                element(
                    "span", "holds" if fact.holds else "fails", class_=f"verdict {'pass' if fact.holds else 'fail'}"
                ),
            ),
            element("td", fact.text),
            element("td", fact.measured, class_="figure"),
        )
        for fact in found.expectations
    ]
    heads = element("tr", element("th", ""), element("th", "expectation"), element("th", "measured", class_="figure"))
    return [
        element("h3", "Expectations"),
        element("div", element("table", element("thead", heads), element("tbody", rows)), class_="card"),
    ]
