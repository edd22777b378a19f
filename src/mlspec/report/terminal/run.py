"""A run as text for a terminal: gates, scores beside baselines, candidates, and where the page is."""

from collections.abc import Iterator, Sequence

from mlspec import formatting
from mlspec.diagnostics import printable
from mlspec.report import sentences
from mlspec.report.facts.run import RunFacts, Tracked
from mlspec.report.page import scaling, tradeoff
from mlspec.report.terminal.paint import joined, paint

VERDICT_COLORS = {"pass": "32", "fail": "1;31", "unknown": "33"}
OUTCOME_COLORS = {"passed": "1;32", "failed": "1;31", "error": "1;31", "unknown": "1;33", "interrupted": "1;33"}
DIM, BOLD = "2", "1"


def terminal(facts: RunFacts, *, color: bool = False) -> str:
    """The text, ending in a line break."""
    return joined(_lines(facts, color))


def _lines(facts: RunFacts, color: bool) -> Iterator[str]:
    if facts.gates:
        yield from _gates(facts, color)
        yield ""
    if facts.scores or facts.unmeasured:
        if facts.scores:
            yield from _scores(facts, color)
        for text in sentences.unmeasured(facts):
            yield paint(printable(text), VERDICT_COLORS["unknown"], color)
        if sentences.final(facts):
            yield paint(printable(sentences.final(facts)), DIM, color)
        if sentences.threshold(facts):
            yield paint(printable(sentences.threshold(facts)), DIM, color)
        if facts.tradeoff is not None:
            yield paint(printable(tradeoff.summary(facts.tradeoff)), DIM, color)
        if facts.scaling is not None:
            yield paint(printable(scaling.summary(facts.scaling)), DIM, color)
        if sentences.holdout(facts):
            yield paint(sentences.holdout(facts), DIM, color)
        yield ""
    spread = any(candidate.seeds for candidate in facts.candidates)
    if (len(facts.candidates) > 1 or spread) and any(candidate.scores for candidate in facts.candidates):
        yield from _candidates(facts, color)
        if facts.evaluation.selection_reason:
            yield paint(printable(facts.evaluation.selection_reason), DIM, color)
        yield ""
    warnings = [f"split: {text}" for text in sentences.left_out(facts)]
    warnings += [sentences.finding(check) for check in facts.checks if check.fails]
    for text in warnings:
        yield f"{paint('warning', '33', color)}: {printable(text)}"
    if warnings:
        yield ""
    yield paint(printable(sentences.headline(facts)), OUTCOME_COLORS[sentences.standing(facts)], color)
    if facts.report is not None:
        yield f"report: {printable(facts.report)}"


def _gates(facts: RunFacts, color: bool) -> Iterator[str]:
    rows = [("gate", "requirement", "value", "n")]
    for gate in facts.gates:
        n = f"{gate.n:,}" if gate.n is not None else ""
        rows.append((gate.verdict, printable(gate.requirement), sentences.gate_value(gate), n))
    lines = aligned(rows, right=(3,))
    yield paint(lines[0], DIM, color)
    for gate, line in zip(facts.gates, lines[1:], strict=True):
        yield paint(gate.verdict, VERDICT_COLORS[gate.verdict], color) + line[len(gate.verdict) :]
        if gate.verdict != "pass" and gate.reason:
            yield paint(f"         {printable(gate.reason)}", DIM, color)
        if gate.waived:
            yield paint(f"         waived: {printable(gate.waived)}", DIM, color)


def _scores(facts: RunFacts, color: bool) -> Iterator[str]:
    baselines = list(dict.fromkeys(name for score in facts.scores for name in score.baselines))
    rows = [("metric", f"{facts.selected or 'model'} on the test rows", *baselines)]
    for score in facts.scores:
        rows.append(
            (
                score.metric,
                sentences.score_value(score),
                *(formatting.figure(score.baselines.get(b)) for b in baselines),
            )
        )
    lines = aligned([tuple(printable(cell) for cell in row) for row in rows], right=range(2, 2 + len(baselines)))
    yield paint(lines[0], DIM, color)
    for score, line in zip(facts.scores, lines[1:], strict=True):
        yield line
        text = formatting.seeds(score.seeds, score.metric)
        if text:
            yield paint(f"    {printable(text)}", DIM, color)
    if sentences.one_seed(facts):
        yield paint(printable(sentences.one_seed(facts)), DIM, color)


def _candidates(facts: RunFacts, color: bool) -> Iterator[str]:
    by = facts.selected_by
    rows = [("candidate", "model", f"{by} on the {facts.selected_on}", "training")]
    for candidate in facts.candidates:
        found = next((score for score in candidate.scores if score.metric == by), None)
        name = f"{candidate.name}{' (selected)' if candidate.selected else ''}"
        value = "–" if found is None else sentences.score_value(found)
        rows.append((name, candidate.model, value, formatting.seconds(candidate.seconds)))
    lines = aligned([tuple(printable(cell) for cell in row) for row in rows], right=(3,))
    yield paint(lines[0], DIM, color)
    for candidate, line in zip(facts.candidates, lines[1:], strict=True):
        yield paint(line, BOLD, color) if candidate.selected else line
        scored = any(score.metric == by for score in candidate.scores)
        for text in (formatting.seeds(candidate.seeds, by or ""), *(() if scored else candidate.notes)):
            if text:
                yield paint(f"    {printable(text)}", DIM, color)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as lines with aligned columns; the columns in ``right`` are aligned to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def tracked(found: Tracked) -> str:
    """Whether the run is on the MLflow server."""
    if found.error is None:
        return printable(f"logged on {found.server} as run {found.run}")
    text = f"warning[not-logged]: the run is done, but was not logged on {found.server}: {found.error}"
    return f"{printable(text)}\n  = mlspec report --mlflow logs it later"
