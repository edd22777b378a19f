"""The page's section with the spec: beside each line what came of it."""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.diagnostics import Place
from mlspec.report.facts.run import RunFacts
from mlspec.report.page import highlight
from mlspec.report.page.markup import Html, element

SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?", "selected": "●", "": "○"}
GRAVEST = ("fail", "unknown", "pass", "selected", "")
Remark = tuple[str, str, str | None]
"""A verdict, what is said, and the id of what it points at."""


def spec(facts: RunFacts, text: str) -> Html:
    """The text with a sign at each line that something came of, and the verdict behind it."""
    remarks: dict[int, list[Remark]] = {}
    for place, remark in _remarks(facts):
        if place is not None and place.file == facts.spec:
            remarks.setdefault(place.line, []).append(remark)
    shown = highlight.yaml(
        text,
        {line: _sign(found) for line, found in remarks.items()},
        {line: _text(found) for line, found in remarks.items()},
    )
    note = "Each line that was checked or measured shows its result."
    return element(
        "div",
        element("p", note, class_="note") if remarks else None,
        element(
            "div",
            element("div", shown, class_="scroll", role="region", aria_label="Spec", tabindex=0),
            class_="card",
        ),
    )


def _remarks(facts: RunFacts) -> Iterator[tuple[Place | None, Remark]]:
    for failure in facts.failures:
        yield failure.place, ("fail", f"step {failure.step} failed", "failures")
    for gate in facts.gates:
        message = "" if gate.value is None else f" {formatting.quantity(gate.value, gate.unit, (gate.low, gate.high))}"
        yield gate.place, (gate.verdict, f"{gate.verdict}{message}", gate.gate)
    for fact in facts.data.expectations:
        held = "holds" if fact.holds else "fails"
        yield fact.place, ("pass" if fact.holds else "fail", f"{held}: {fact.measured}", "data")
    for candidate in facts.candidates:
        score = next((score for score in candidate.scores if score.metric == facts.selected_by), None)
        if score is not None:
            message = f"{score.metric} {formatting.figure(score.value, (score.low, score.high))}"
            shown = f"selected, {message}" if candidate.selected else message
            yield candidate.place, ("selected" if candidate.selected else "", shown, "candidates")


def _gravest(found: list[Remark]) -> str:
    return min((verdict for verdict, _text, _target in found), key=GRAVEST.index)


def _sign(found: list[Remark]) -> Html:
    worst = _gravest(found)
    return element("span", SIGNS[worst], class_=f"remark {worst}".strip(), aria_hidden="true")


def _text(found: list[Remark]) -> list[Html]:
    return [
        element("a", message, href=f"#{target}", class_=f"remark {verdict}".strip())
        for verdict, message, target in found
    ]
