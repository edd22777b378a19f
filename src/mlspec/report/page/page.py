"""A run as one HTML page that needs nothing else: no network, no script, light and dark."""

from collections.abc import Iterator
from pathlib import Path

from mlspec import formatting
from mlspec.plugins.verdict import Verdict
from mlspec.report import sentences
from mlspec.report.facts.run import FailureFact, RunFacts, StepFact
from mlspec.report.page import (
    checks,
    data,
    decided,
    decisions,
    delivery,
    model,
    personal,
    requirements,
    scaling,
    slices,
    spec,
    tradeoff,
    tuning,
)
from mlspec.report.page.charts import interval
from mlspec.report.page.markup import Html, element
from mlspec.report.page.memory_chart import over_time
from mlspec.report.page.requirements import place
from mlspec.report.page.tables import figures, row, table

MOST_STEPS_SHOWN = 20
SIGNS = {"passed": "✓", "failed": "✗", "unknown": "?", "error": "✗", "interrupted": "–"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(facts: RunFacts, spec_text: str, graph: str | None = None) -> str:
    """The page. ``spec_text`` is the spec as it was run, ``graph`` an SVG of the steps (markup of our own)."""
    sections = [
        ("constraints", "Constraints", _gates(facts)),
        ("requirements", "Requirements", requirements.requirements(facts)),
        ("failures", "Failures", _failures(facts)),
        ("decided", "Decisions and reasons", decided.decided(facts)),
        ("model", "Selected model", model.scores(facts)),
        ("decisions", "Calibration and errors", decisions.decisions(facts)),
        ("personalization", "Personalization", personal.personalization(facts)),
        ("slices", "Slices", slices.slices(facts)),
        ("fairness", "Fairness", slices.fairness(facts)),
        ("mitigation", "Mitigation", tradeoff.tradeoff(facts)),
        ("scaling", "Learning curve", scaling.scaling(facts)),
        ("importance", "Feature importance", decisions.importance(facts)),
        ("candidates", "Candidates", model.candidates(facts)),
        ("tuning", "Tuning", tuning.tuning(facts)),
        ("use", "Deployment", model.in_use(facts)),
        ("deliveries", "Deliveries", delivery.delivery(facts)),
        ("data", "Data", data.data(facts)),
        ("checks", "Checks before training", checks.checks(facts)),
        ("steps", "Pipeline", _steps(facts, graph)),
        ("environment", "Environment", _environment(facts)),
        ("spec", "Spec", spec.spec(facts, spec_text)),
    ]
    shown = [(name, title, body) for name, title, body in sections if body is not None]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", f"{facts.project}: {sentences.headline(facts)}"),
        element("style", Html(Path(__file__).with_name("page.css").read_text(encoding="utf-8"))),
    )
    body = element(
        "body",
        element("a", "Skip to the constraints", href="#constraints", class_="skip"),
        _header(facts, [(name, title) for name, title, _body in shown]),
        element(
            "main",
            [
                element(
                    "section", element("h2", title, id=f"{name}-title"), body, id=name, aria_labelledby=f"{name}-title"
                )
                for name, title, body in shown
            ],
        ),
        element("footer", f"Run {facts.id}, mlspec {facts.environment.get('mlspec', '')}."),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _header(facts: RunFacts, sections: list[tuple[str, str]]) -> Html:
    about: list[tuple[str, str | None]] = [
        ("predicts", facts.target),
        ("task", (facts.task or "").replace("_", " ")),
        ("owners", ", ".join(facts.owners)),
        ("decision", facts.decision),
        ("run", formatting.moment(facts.started)),
        ("took", formatting.seconds(facts.seconds)),
        ("profile", facts.profile),
        ("overrides", ", ".join(facts.overrides)),
    ]
    did = ", ".join(f"{number} {what}" for what, number in facts.counts.items() if number)
    return element(
        "header",
        element("h1", facts.project),
        element("p", facts.goal, class_="goal") if facts.goal else None,
        element("ul", [element("li", f"{name} ", element("b", text)) for name, text in about if text], class_="about"),
        element(
            "div",
            element(
                "span",
                "!" if facts.leaks and facts.outcome == "passed" else SIGNS[facts.outcome],
                class_="sign",
                aria_hidden="true",
            ),
            element("span", sentences.headline(facts)),
            element("small", f"steps: {did}" if did else ""),
            class_=f"outcome {sentences.standing(facts)}",
            role="status",
        ),
        _leaks(facts),
        element("nav", [element("a", title, href=f"#{name}") for name, title in sections], aria_label="Sections"),
    )


def _leaks(facts: RunFacts) -> Html | None:
    found = [check for check in facts.checks if check.fails and check.leak]
    if not found:
        return None
    items = [
        element("li", f"{check.measured}: {check.advice} ", element("a", "check", href="#checks")) for check in found
    ]
    return element("ul", items, class_="note")


def _gates(facts: RunFacts) -> Html | None:
    if not facts.gates:
        return element("p", "The spec states no constraints.", class_="note")
    heads = ("verdict", "requirement", ("measured", "figure"), "(chart)", ("n", "figure"), "stated in")
    return table("Constraints", heads, [_gate(gate) for gate in facts.gates])


def _gate(gate: Verdict) -> Html:
    chart = interval(gate.value, gate.low, gate.high, threshold=gate.threshold, style=gate.verdict)
    return element(
        "tr",
        element("td", element("span", gate.verdict, class_=f"verdict {gate.verdict}")),
        element(
            "th",
            element("span", gate.requirement, class_="name"),
            [element("br"), element("small", gate.reason)] if gate.reason and gate.verdict != "pass" else None,
            [element("br"), element("small", f"waived: {gate.waived}")] if gate.waived else None,
            scope="row",
        ),
        element(
            "td",
            formatting.quantity(gate.value, gate.unit, (gate.low, gate.high)),
            [element("br"), element("small", between)]
            if (between := formatting.interval(gate.low, gate.high, gate.unit))
            else None,
            class_="figure",
        ),
        element("td", chart, class_="chart"),
        element("td", f"{gate.n:,}" if gate.n is not None else "", class_="figure"),
        element("td", place(gate.place)),
        id=gate.gate,
    )


def _failures(facts: RunFacts) -> Html | None:
    if not facts.failures:
        return None
    return element("div", [_failure(failure) for failure in facts.failures], class_="card pad")


def _failure(failure: FailureFact) -> Html:
    return element(
        "div",
        element("h3", failure.step, " ", place(failure.place)),
        element("pre", failure.cause),
        element("p", "log: ", element("code", failure.log), class_="note") if failure.log else None,
    )


def _steps(facts: RunFacts, graph: str | None) -> Html | None:
    if not facts.steps:
        return None
    heads = (
        "step",
        "kind",
        "(outcome)",
        *figures("took", "CPU", "memory"),
        "(memory over time)",
        "fingerprint",
    )
    rows = [
        row(
            step.id,
            [
                element("td", step.kind),
                element("td", step.action),
                element("td", formatting.seconds(step.seconds), class_="figure"),
                element("td", formatting.seconds(step.cpu_seconds), class_="figure"),
                element("td", formatting.size(step.memory), class_="figure"),
                element("td", _memory(step, facts.memory_limit), class_="chart"),
                element("td", element("code", (step.fingerprint or "")[:12])),
            ],
        )
        for step in facts.steps
    ]
    message = "Time and CPU time of each step, from the run that computed it. Memory is the peak of its process, "
    message += "including files that it reads; the chart shows its own memory over time"
    message += ", with the limit of backend.memory." if facts.memory_limit else "."
    return element(
        "div",
        element(
            "div",
            element("div", Html(graph), class_="scroll pad graph", role="region", aria_label="Graph", tabindex=0),
            class_="card",
        )
        if graph
        else None,
        element(
            "details",
            element("summary", f"All {formatting.count(len(facts.steps), 'step')}"),
            element("p", message, class_="note"),
            table("Steps", heads, rows),
            open="open" if len(facts.steps) <= MOST_STEPS_SHOWN else None,
        ),
    )


def _memory(step: StepFact, limit: int | None) -> Html | None:
    seen = step.memory_over_time
    return None if seen is None or not seen.own else over_time(seen.own, seen.every, limit)


def _environment(facts: RunFacts) -> Html | None:
    if not facts.environment:
        return None
    return element("div", element("dl", list(_pairs(facts.environment))), class_="card pad")


def _pairs(values: dict[str, str]) -> Iterator[Html]:
    for name, value in values.items():
        yield element("dt", name)
        yield element("dd", value)
