"""The section of the page on requirements: what is required, what it is bound to, and what that showed."""

from mlspec import formatting
from mlspec.diagnostics import Place
from mlspec.report import sentences
from mlspec.report.facts.run import RequirementFact, RunFacts
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.tables import table


def requirements(facts: RunFacts) -> Html | None:
    """The matrix requirement, check, evidence, verdict; None where nothing is required."""
    if not facts.requirements:
        return None
    stated = len(facts.requirements)
    waived = sum(bool(entry.waived) for entry in facts.requirements)
    bound = sum(entry.binding != "nothing" for entry in facts.requirements)
    message = f"{bound} of {formatting.count(stated, 'requirement')} bound to a check"
    message += f", {waived} waived" if waived else ""
    uses = f" {sentences.holdout(facts)}." if sentences.holdout(facts) else ""
    heads = ("verdict", "requirement", "check", "evidence", "stated in")
    return element(
        "div",
        element("p", f"{message}.{uses}", class_="note"),
        table("Requirements", heads, [_row(entry) for entry in facts.requirements]),
    )


def _row(entry: RequirementFact) -> Html:
    shown = entry.verdict or ("measured" if entry.evidence else "")
    return element(
        "tr",
        element("td", element("span", shown, class_=f"verdict {entry.verdict or 'none'}") if shown else ""),
        element(
            "th",
            element("span", entry.text, class_="name"),
            [element("br"), element("small", f"waived: {entry.waived}")] if entry.waived else None,
            scope="row",
        ),
        element("td", element("code", entry.check) if entry.check else "none"),
        element("td", entry.evidence),
        element("td", place(entry.place)),
    )


def place(where: Place | None) -> Child:
    """A link to a line of the spec on the page."""
    if where is None:
        return ""
    return element("a", element("code", f"line {where.line}"), href=f"#L{where.line}")
