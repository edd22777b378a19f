"""A run as a Markdown summary: for a pull request, a job's summary, a chat."""

import re
from collections.abc import Iterator, Sequence

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.run import RunFacts
from mlspec.report.page import tradeoff
from mlspec.report.page.markup import visible

SIGNS = {"pass": "✅ pass", "fail": "❌ fail", "unknown": "❔ unknown"}
LEADING = re.compile(r"^(?:[-+=:]|\d+(?=[.)]))")
SPECIAL = re.compile(r"[\\`*{}\[\]<>#!|~&]|(?<![^\W_])_|_(?![^\W_])")


def markdown(facts: RunFacts) -> str:
    """The summary: outcome, constraints, scores beside baselines, candidates, data."""
    return "\n".join(_lines(facts)) + "\n"


def text(raw: str) -> str:
    """Text on one line that Markdown shows as it is."""
    shown = SPECIAL.sub(r"\\\g<0>", " ".join(visible(raw).split()))
    if LEADING.match(shown):
        # Only at the beginning of a line do these start a list, a heading or a table.
        shown = f"\\{shown}" if not shown[0].isdigit() else re.sub(r"^(\d+)", r"\1\\", shown)
    # A backslash does not stop a code host from notifying the user of that name.
    return shown.replace("@", "@\u200b")


def code(raw: str) -> str:
    """Text on one line as code, whatever backticks it has."""
    shown = " ".join(visible(raw).split())
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{shown}{pad}{fence}" if shown else ""


def _lines(facts: RunFacts) -> Iterator[str]:
    sign = "⚠️ " if facts.leaks else ""
    yield f"## {sign}{text(facts.project)}: {text(sentences.headline(facts))}"
    if facts.goal:
        yield ""
        yield text(facts.goal)
    for failure in facts.failures:
        yield ""
        where = f" ({text(failure.place.file)}:{failure.place.line})" if failure.place is not None else ""
        yield f"- step {text(failure.step)} failed{where}: {text(failure.cause)}"
    for line in sentences.left_out(facts):
        yield ""
        yield f"- {text(line)}"
    for check in facts.checks:
        if check.fails:
            yield ""
            yield f"- ⚠️ {text(sentences.finding(check))}"
    for part in (gates(facts), scores(facts), groups(facts), requirements(facts), candidates(facts)):
        lines = list(part)
        if lines:
            yield ""
            yield from lines
    if facts.data.rows:
        yield ""
        parts = ", ".join(f"{name} {rows:,}" for name, rows in facts.data.rows.items())
        yield f"Rows: {parts}. Run {text(facts.id)}, {formatting.seconds(facts.seconds)}."


def requirements(facts: RunFacts) -> Iterator[str]:
    """What no gate decides on; the gates have their own table."""
    rest = [entry for entry in facts.requirements if entry.binding != "gate"]
    if not rest:
        return
    yield "### Other requirements"
    yield ""
    rows = [
        (text(entry.text), text(entry.check), text(f"waived: {entry.waived}" if entry.waived else entry.evidence))
        for entry in rest
    ]
    yield from table(("requirement", "check", "evidence"), rows)


def gates(facts: RunFacts) -> Iterator[str]:
    """The constraints as a table, with their verdicts and evidence."""
    if not facts.gates:
        return
    yield from table(
        ("", "constraint", "measured", "rows"),
        [
            (
                SIGNS[gate.verdict],
                text(gate.requirement)
                + (f": {text(gate.reason)}" if gate.reason and gate.verdict != "pass" else "")
                + (f" (waived: {text(gate.waived)})" if gate.waived else ""),
                sentences.gate_value(gate),
                f"{gate.n:,}" if gate.n is not None else "",
            )
            for gate in facts.gates
        ],
    )


def scores(facts: RunFacts) -> Iterator[str]:
    """The selected model on the test rows, under a heading, with baselines beside it."""
    if not facts.scores and not facts.unmeasured:
        return
    baselines = list(dict.fromkeys(name for score in facts.scores for name in score.baselines))
    yield f"### {text(facts.selected or 'The model')} on the test rows"
    yield ""
    rows = [
        (
            text(score.metric),
            sentences.score_value(score),
            *(formatting.figure(score.baselines.get(name)) for name in baselines),
        )
        for score in facts.scores
    ]
    if rows:
        yield from table(("metric", "value", *(text(name) for name in baselines)), rows)
    if sentences.final(facts):
        yield ""
        yield f"{text(sentences.final(facts))}."
    if sentences.one_seed(facts):
        yield ""
        yield f"{text(sentences.one_seed(facts))}."
    for score in facts.scores:
        if spread := formatting.seeds(score.seeds, score.metric):
            yield ""
            yield f"{text(spread)}."
    if sentences.threshold(facts):
        yield ""
        yield f"{text(sentences.threshold(facts))}."
    for line in (*sentences.unmeasured(facts), *tradeoff.lines(facts)):
        yield ""
        yield f"{text(line)}."
    if sentences.holdout(facts):
        yield ""
        yield f"{text(sentences.holdout(facts))}."


def candidates(facts: RunFacts) -> Iterator[str]:
    """The candidates side by side, under a heading, where there are several."""
    if len(facts.candidates) < 2:
        return
    metrics = list(dict.fromkeys(score.metric for candidate in facts.candidates for score in candidate.scores))
    yield f"### Candidates on the {text(facts.selected_on)}"
    yield ""
    rows = []
    for candidate in facts.candidates:
        found = {score.metric: score for score in candidate.scores}
        name = f"**{text(candidate.name)}**" if candidate.selected else text(candidate.name)
        values = (sentences.score_value(found[metric]) if metric in found else "–" for metric in metrics)
        rows.append((name, text(candidate.model), *values))
    yield from table(("candidate", "model", *(text(metric) for metric in metrics)), rows)
    if facts.evaluation.selection_reason:
        yield ""
        yield f"{text(facts.evaluation.selection_reason)}."


def groups(facts: RunFacts) -> Iterator[str]:
    """Slices in the metric that the model was chosen by, or the first; and what is compared between groups."""
    found = facts.evaluation
    names = [score.metric for score in facts.scores]
    metric = facts.selected_by if facts.selected_by in names else next(iter(names), None)
    if found.slices and metric is not None:
        yield f"### {text(metric)} in slices of the test rows"
        yield ""
        rows = []
        for slicing in found.slices:
            for part in slicing.slices:
                estimate = None if part.metrics is None else part.metrics.get(metric)
                shown = "too few rows" if estimate is None else sentences.estimate(estimate)
                named = (f"{name}: {value}" for name, value in zip(slicing.columns, part.values, strict=True))
                rows.append((text(", ".join(named)), f"{part.rows:,}", shown))
        yield from table(("slice", "rows", text(metric)), rows)
    if found.fairness:
        if found.slices and metric is not None:
            yield ""
        yield "### Differences between groups"
        yield ""
        compared = [
            (
                text(entry.metric),
                text(" and ".join(entry.group)),
                sentences.estimate(entry),
                f"{len(entry.too_few) or ''}",
            )
            for entry in found.fairness
        ]
        yield from table(("measure", "by", "value", "groups with too few rows"), compared)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table; its cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
