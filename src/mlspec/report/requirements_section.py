"""The section of the page on requirements: what is required, what it is bound to, and what that showed."""

from mlspec.report import words
from mlspec.report.facts import Place, RequirementFact, RunFacts
from mlspec.report.markup import Child, Html, element


def requirements(facts: RunFacts) -> Html | None:
    """The matrix requirement, check, evidence, verdict; None where nothing is required."""
    if not facts.requirements:
        return None
    heads = ("verdict", "requirement", "check", "evidence", "stated in")
    stated = len(facts.requirements)
    waived = sum(bool(entry.waived) for entry in facts.requirements)
    bound = sum(entry.binding != "nothing" for entry in facts.requirements)
    told = f"{bound} of {words.count(stated, 'requirement')} bound to a check"
    told += f", {waived} waived" if waived else ""
    return element(
        "div",
        element("p", f"{told}. {words.holdout(facts)}{'.' if words.holdout(facts) else ''}".strip(), class_="note"),
        element("p", "A prediction: ", facts.decision, class_="note") if facts.decision else None,
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", [element("th", name) for name in heads])),
                element("tbody", [_row(entry) for entry in facts.requirements]),
            ),
            class_="card",
        ),
    )


def _row(entry: RequirementFact) -> Html:
    shown = entry.verdict or ("measured" if entry.evidence else "")
    return element(
        "tr",
        element("td", element("span", shown, class_=f"verdict {entry.verdict or 'none'}") if shown else ""),
        element(
            "td",
            element("span", entry.text, class_="name"),
            [element("br"), element("small", f"waived: {entry.waived}")] if entry.waived else None,
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
