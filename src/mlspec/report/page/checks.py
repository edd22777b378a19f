"""The section of the page on the checks that were made before training."""

from mlspec import formatting
from mlspec.report.facts.run import CheckFact, RunFacts
from mlspec.report.page.markup import Html, element
from mlspec.report.page.tables import table


def checks(facts: RunFacts) -> Html | None:
    """Every check, those that fail first; None where none was made."""
    if not facts.checks:
        return None
    failing = [check for check in facts.checks if check.fails]
    count = formatting.count(len(facts.checks), "check")
    text = f"{len(failing)} of {count}: warning" if failing else f"All {count}: OK"
    heads = ("(verdict)", "check", "measured", "expected", "of")
    shown = [*failing, *(check for check in facts.checks if not check.fails)]
    made = table("Checks before training", heads, [_row(check) for check in shown])
    return element("div", element("p", f"{text}.", class_="note"), made)


def _row(check: CheckFact) -> Html:
    verdict = "unknown" if check.fails else "pass"
    return element(
        "tr",
        element("td", element("span", "warning" if check.fails else "OK", class_=f"verdict {verdict}")),
        element("th", check.check, scope="row", class_="name"),
        element(
            "td",
            check.measured,
            [element("br"), element("small", check.advice)] if check.fails else None,
            [element("br"), element("small", f"accepted: {check.accepted}")] if check.accepted else None,
        ),
        element("td", check.expected),
        element("td", element("code", check.step)),
    )
