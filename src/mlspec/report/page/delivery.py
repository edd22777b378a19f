"""The section of the page on deliveries: DORA's four figures of each stage, when the run began."""

from mlspec.report.facts.delivery_facts import COMPUTED, HEADS, cells
from mlspec.report.facts.run import RunFacts
from mlspec.report.page.markup import Html, element
from mlspec.report.page.tables import Head, row, table


def delivery(facts: RunFacts) -> Html | None:
    """The figures of the registry's ledger; None where there is none."""
    if not facts.delivery:
        return None
    heads: list[Head] = [HEADS[0], *((head, "figure") for head in HEADS[1:])]
    notes = [element("li", element("b", name), f": {text}") for name, text in COMPUTED.items()]
    return element(
        "div",
        table("Deliveries", heads, [_row(*cells(one)) for one in facts.delivery]),
        element("ul", notes, class_="note"),
    )


def _row(stage: str, *figures: str) -> Html:
    return row(stage, [element("td", text, class_="figure") for text in figures])
