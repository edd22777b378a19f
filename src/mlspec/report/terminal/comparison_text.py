"""A comparison of runs as text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mlspec import formatting
from mlspec.diagnostics import printable
from mlspec.report import sentences
from mlspec.report.facts.evaluation_facts import Estimate
from mlspec.report.runs.comparison import Apart, Comparison
from mlspec.report.terminal.paint import joined, paint
from mlspec.report.terminal.run import DIM, OUTCOME_COLORS, VERDICT_COLORS, aligned

TOLD_COLORS = {"better": "32", "worse": "1;31"}
LONGEST = 40


def text(comparison: Comparison, *, color: bool = False) -> str:
    """Runs, metrics, gates that differ, what changed, what it took; ends in a line break."""
    return joined(_lines(comparison, color))


def _lines(found: Comparison, color: bool) -> Iterator[str]:
    letters = [_letter(index) for index in range(len(found.runs))]
    rows: list[tuple[str, ...]] = [
        (letter, run.id, run.outcome, formatting.moment(run.started), run.selected or "")
        for letter, run in zip(letters, found.runs, strict=True)
    ]
    for run, line in zip(found.runs, aligned(_printable(rows)), strict=True):
        yield line.replace(run.outcome, paint(run.outcome, OUTCOME_COLORS[run.outcome], color), 1)
    if found.metrics:
        yield ""
        yield from _metrics(found, letters, color)
    yield ""
    if found.gates:
        yield from _gates(found, letters, color)
    else:
        yield paint("no constraint has a different verdict", DIM, color)
    if found.changed:
        yield ""
        rows = [("changed", *letters)]
        for entry in found.changed:
            key = entry.key if entry.what == "spec" else f"{entry.what} {entry.key}"
            rows.append((key, *(_short(value) for value in entry.values)))
        yield from _table(rows, color)
    yield ""
    rows = [("took", *letters)]
    for cost in found.costs:
        rows.append((cost.what, *(formatting.quantity(value, cost.unit) for value in cost.values)))
    yield from _table(rows, color)
    for note in found.notes:
        yield paint(printable(note), DIM, color)


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def _metrics(found: Comparison, letters: Sequence[str], color: bool) -> Iterator[str]:
    heads = [f"{letter} - {letters[0]}" for letter in letters[1:]]
    rows: list[tuple[str, ...]] = [("metric", *letters, *(head for pair in ((h, "") for h in heads) for head in pair))]
    verdicts: list[list[str]] = []
    reasons: dict[str, None] = {}
    for metric in found.metrics:
        cells: list[str] = []
        message: list[str] = []
        for apart in metric.apart:
            cells += [_difference(apart), "" if apart is None else apart.verdict]
            message.append("" if apart is None else apart.verdict)
            if apart is not None and apart.reason:
                reasons[apart.reason] = None
        rows.append((metric.metric, *(_value(value) for value in metric.values), *cells))
        verdicts.append(message)
    lines = aligned(_printable(rows))
    yield paint(lines[0], DIM, color)
    for line, message in zip(lines[1:], verdicts, strict=True):
        shown = line
        # From the right: a verdict's name may not be taken for part of a metric's.
        end = len(shown)
        for verdict in reversed(message):
            at = shown.rfind(verdict, 0, end) if verdict in TOLD_COLORS else -1
            if at >= 0:
                shown = shown[:at] + paint(verdict, TOLD_COLORS[verdict], color) + shown[at + len(verdict) :]
                end = at
        yield shown
    yield paint(
        "positive differences are better; intervals are paired (the same resampled rows for both runs)", DIM, color
    )
    for reason in reasons:
        yield paint(f"unknown: {printable(reason)}", DIM, color)


def _value(value: Estimate | None) -> str:
    return "–" if value is None else sentences.estimate(value)


def _difference(apart: Apart | None) -> str:
    if apart is None or apart.value is None:
        return "–"
    sign = "+" if apart.value > 0 else ""
    between = formatting.interval(apart.low, apart.high)
    return f"{sign}{formatting.figure(apart.value, (apart.low, apart.high))} {between}".rstrip()


def _gates(found: Comparison, letters: Sequence[str], color: bool) -> Iterator[str]:
    rows = [("constraint", *letters)]
    for gate in found.gates:
        known = list(dict.fromkeys(message for message in gate.requirements if message is not None))
        rows.append((known[0] if len(known) == 1 else gate.gate, *(verdict or "–" for verdict in gate.verdicts)))
    lines = aligned(_printable(rows))
    yield paint(lines[0], DIM, color)
    for gate, line in zip(found.gates, lines[1:], strict=True):
        latest = gate.verdicts[-1]
        yield paint(line, VERDICT_COLORS[latest], color) if latest is not None else line
        if len(set(gate.requirements)) > 1:
            for letter, message in zip(letters, gate.requirements, strict=True):
                yield paint(printable(f"  {letter}: {message or 'no such constraint'}"), DIM, color)


def _table(rows: Sequence[Sequence[str]], color: bool) -> Iterator[str]:
    lines = aligned(_printable(rows))
    yield paint(lines[0], DIM, color)
    yield from lines[1:]


def _printable(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(printable(cell) for cell in row) for row in rows]


def _short(value: Any) -> str:
    shown = value if isinstance(value, str) else "–" if value is None else msgspec.json.encode(value).decode()
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
