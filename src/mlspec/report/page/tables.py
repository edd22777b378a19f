"""Tables of the page: headers that a screen reader can name, in a card that scrolls by itself where it is too wide."""

from collections.abc import Sequence

from mlspec.report.page.markup import Child, Html, element

Head = str | tuple[str, str | None]
"""What is above a column, and its class; text in brackets is for screen readers alone."""


def table(
    label: str, heads: Sequence[Head], rows: Sequence[Child], *, card: bool = True, kind: str | None = None
) -> Html:
    """Rows (``tr`` elements) under their heads; ``label`` names the table for those who can't see where it is."""
    made = element(
        "table",
        element("caption", label, class_="unseen"),
        element("thead", element("tr", [_head(head) for head in heads])),
        element("tbody", rows),
        class_=kind,
    )
    # What scrolls must be reachable by the keyboard.
    wrapper = element("div", made, class_="scroll", role="region", aria_label=label, tabindex=0)
    return element("div", wrapper, class_="card") if card else wrapper


def figures(*names: str) -> list[Head]:
    """Heads of columns of numbers."""
    return [(name, "figure") for name in names]


def row(name: Child, cells: Sequence[Child], *, kind: str | None = None, named: str = "name") -> Html:
    """A row: its head, and its cells (``td`` elements)."""
    return element("tr", element("th", name, scope="row", class_=named), cells, class_=kind)


def _head(head: Head) -> Html:
    text, kind = head if isinstance(head, tuple) else (head, None)
    shown: Child = element("span", text[1:-1], class_="unseen") if text.startswith("(") else text
    return element("th", shown, scope="col", class_="chart" if text == "(chart)" else kind)
