"""The page's section about the data: sources, how rows were split, what columns hold, what was expected of them."""

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.profile_facts import ColumnProfile
from mlspec.report.facts.run import ColumnFact, DataFacts, ExpectationFact, RunFacts
from mlspec.report.page import image_sizes
from mlspec.report.page.charts import bins, shares
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.tables import figures, row, table

ROLES = ("target", "feature", "sensitive", "id", "key", "unused")
MOST_COLUMNS_SHOWN = 30


def data(facts: RunFacts) -> Html | None:
    """Sources, split, balance of the classes, columns by role with what they hold, and expectations."""
    found = facts.data
    if not found.sources:
        return None
    return element(
        "div",
        _sources(found),
        _split(found),
        [element("p", f"{text}.", class_="note") for text in sentences.left_out(facts, advice=False)],
        _balance(found, facts.target),
        _columns(found.columns),
        _personal(found),
        _expectations(found),
    )


def _sources(found: DataFacts) -> Html:
    rows = [
        row(
            source.name,
            [
                element("td", element("code", source.path)),
                element("td", source.format),
                element("td", source.part or ""),
                element("td", element("code", (source.digest or "")[:12])),
            ],
        )
        for source in found.sources
    ]
    return table("Sources", ("source", "file", "format", "part", "digest"), rows)


def _split(found: DataFacts) -> Child:
    bar = shares(found.rows)
    if bar is None:
        return None
    keys = [
        element("span", element("i", class_=f"part{index}"), f"{name} {rows:,}", class_="legend")
        for index, (name, rows) in enumerate(found.rows.items())
    ]
    return [
        element("h3", f"{formatting.count(sum(found.rows.values()), 'row')}"),
        element("p", f"Split {found.split}.", class_="note") if found.split else None,
        element("div", bar, element("p", keys), class_="card pad"),
    ]


def _balance(found: DataFacts, target: str) -> Child:
    if not found.balance:
        return None
    parts = list(found.balance[0].rows)
    totals = {part: sum(entry.rows[part] for entry in found.balance) for part in parts}
    rows = [
        row(
            entry.value,
            [
                element(
                    "td",
                    f"{entry.rows[part] / totals[part]:.1%}" if totals[part] else "–",
                    element("br"),
                    element("small", f"{entry.rows[part]:,}"),
                    class_="figure",
                )
                for part in parts
            ],
        )
        for entry in found.balance
    ]
    heads = (target, *figures(*parts))
    return [element("h3", "Classes"), table("Classes in each part", heads, rows)]


def _personal(found: DataFacts) -> Child:
    if not found.personal:
        return None
    rows = [
        row(entry.column, [element("td", entry.kind), element("td", entry.action), element("td", entry.reason)])
        for entry in found.personal
    ]
    note = element(
        "p", "Anonymised while the source was read; later steps never see the original values.", class_="note"
    )
    heads = ("column", "kind", "action", "justification")
    return [element("h3", "Personal data"), note, table("Personal columns", heads, rows)]


def _columns(columns: tuple[ColumnFact, ...]) -> Child:
    if not columns:
        return None
    ordered = sorted(columns, key=lambda column: ROLES.index(column.role) if column.role in ROLES else len(ROLES))
    title = element("h3", formatting.count(len(columns), "column"))
    if not any(column.profile for column in columns):
        return [title, element("ul", [_chip(column) for column in ordered], class_="chips")]
    heads = ("column", "type", ("missing", "figure"), "(chart)", "values")
    shown = table("Columns of the training rows", heads, [_column(column) for column in ordered])
    note = "Training rows only. Values are shown for features and the target only."
    if len(ordered) <= MOST_COLUMNS_SHOWN:
        return [title, element("p", note, class_="note"), shown]
    return [title, element("p", note, class_="note"), element("details", element("summary", "All columns"), shown)]


def _chip(column: ColumnFact) -> Html:
    message = column.type if column.role == "feature" else f"{column.type}, {column.role}"
    return element("li", column.name, element("small", message), class_=column.role)


def _column(column: ColumnFact) -> Html:
    found = column.profile
    role = None if column.role == "feature" else element("small", f" {column.role}")
    if found is None:
        return row([column.name, role], [element("td", column.type), *[element("td", "")] * 3], kind=column.role)
    missing = f"{found.missing:.1%}" if found.missing else "0"
    return row(
        [column.name, role],
        [
            element("td", column.type),
            element("td", missing, class_="figure"),
            element("td", bins(found.bins, found.quantiles), class_="chart"),
            element("td", _values(found), class_="values"),
        ],
        kind=column.role,
    )


def _values(found: ColumnProfile) -> Child:
    if found.quantiles:
        least, first, median, third, greatest = (formatting.figure(value) for value in found.quantiles)
        return [
            f"{least} to {greatest}",
            element("br"),
            element("small", f"median {median}, IQR {first} to {third}"),
        ]
    if found.images is not None:
        return image_sizes.words(found.images)
    if found.first is not None:
        return f"{found.first} to {found.last}"
    message = (
        ""
        if found.distinct is None
        else f"{formatting.count(found.distinct, 'value').replace('value', 'distinct value')}"
    )
    if not found.common:
        return message
    common = ", ".join(f"{entry.value} ({entry.rows:,})" for entry in found.common)
    return [message, element("br"), element("small", common)]


def _expectations(found: DataFacts) -> Child:
    if not found.expectations:
        return None
    rows = [
        element(
            "tr",
            element("td", _verdict(fact)),
            element("th", fact.text, scope="row"),
            element("td", fact.measured, class_="figure"),
        )
        for fact in found.expectations
    ]
    heads = ("verdict", "expectation", ("measured", "figure"))
    samples = [_sample(fact) for fact in found.expectations if fact.sample]
    return [element("h3", "Expectations"), table("Expectations of the data", heads, rows), samples]


def _verdict(fact: ExpectationFact) -> Child:
    kind = "pass" if fact.holds else "unknown" if fact.severity == "warn" else "fail"
    return element("span", "holds" if fact.holds else "fails", class_=f"verdict {kind}")


def _sample(fact: ExpectationFact) -> Html:
    """A few of the rows that break an expectation."""
    names = list(fact.sample[0])
    rows = [element("tr", [element("td", line.get(name, "")) for name in names]) for line in fact.sample]
    summary = element("summary", f"{formatting.count(len(fact.sample), 'row')} that violate: {fact.text}")
    return element("details", summary, table("Violating rows", tuple(names), rows))
