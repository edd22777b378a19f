"""Plots for a terminal, in plain characters: a metric over runs, a training round by round, a search trial by trial."""

from collections.abc import Iterator, Mapping, Sequence

from mlspec import formatting
from mlspec.diagnostics import printable
from mlspec.report.facts.run import Search
from mlspec.report.runs.series import CandidateSeries, MetricSeries, Series
from mlspec.report.terminal.paint import joined, paint
from mlspec.report.terminal.run import BOLD, DIM, aligned

MARKS = "●○◆◇■□▲△"
COLORS = ("36", "33", "35", "32")
LEAST, MOST, HEIGHT = 20, 100, 12


def plot(series: Series, width: int, *, color: bool = False) -> str:
    """The plot, at most ``width`` columns wide (if that leaves room for anything), ending in a line break."""
    lines = _metric(series, width, color) if isinstance(series, MetricSeries) else _candidate(series, width, color)
    return joined(line.rstrip() for line in lines)


def _metric(series: MetricSeries, width: int, color: bool) -> Iterator[str]:
    better = "higher is better" if series.greater_is_better else "lower is better"
    yield f"{paint(printable(series.metric), BOLD, color)} on the test rows, {better}"
    points = series.points
    values = [formatting.figure(point.value, (point.low, point.high)) for point in points]
    between = [formatting.interval(point.low, point.high) for point in points]
    left = aligned([(_short(point.run), printable(point.model or "")) for point in points])
    right = aligned(list(zip(values, between, strict=True)))
    margin = max(map(len, left))
    room = width - margin - 2 - max(map(len, right)) - 2
    if room < LEAST:
        room = max(LEAST, width - margin - 2)
        right = [""] * len(points)
    room = min(room, MOST)
    every = [end for p in points for end in (p.value, p.low, p.high, p.threshold) if end is not None]
    low, high = _range(every)

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (room - 1))

    for point, name, text in zip(points, left, right, strict=True):
        cells = [" "] * room
        if point.low is not None and point.high is not None and at(point.high) > at(point.low):
            start, end = at(point.low), at(point.high)
            cells[start : end + 1] = ["├", *("─" * (end - start - 1)), "┤"]
        if point.threshold is not None:
            cells[at(point.threshold)] = "┊"
        cells[at(point.value)] = MARKS[0]
        yield f"{name:<{margin}}  {paint(''.join(cells), COLORS[0], color)}  {text}"
    first, last = formatting.figure(low, (low, high)), formatting.figure(high, (low, high))
    yield paint(f"{'':<{margin}}  {first}{last:>{max(1, room - len(first))}}", DIM, color)
    if any(point.threshold is not None for point in points):
        yield paint("┊ bound in the spec", DIM, color)


def _candidate(series: CandidateSeries, width: int, color: bool) -> Iterator[str]:
    name = paint(printable(series.candidate), BOLD, color)
    yield f"{name} ({printable(series.model)}) in run {printable(series.run)}"
    curves = {key: values for key, values in series.curves.items() if len(values) > 1}
    if curves:
        yield ""
        longest = max(map(len, curves.values()))
        points = {key: list(enumerate(values)) for key, values in curves.items()}
        yield from _grid(points, (1, longest), series.rounds, width, color)
    if series.search is not None:
        yield ""
        yield from _search(series.search, width, color)
    if not curves and series.search is None:
        yield "it has no training history and no tuning trials: there is nothing to plot"


def _search(search: Search, width: int, color: bool) -> Iterator[str]:
    best = search.trials[search.best]
    yield (
        f"{formatting.count(len(search.trials), 'trial')} by {printable(search.sampler)}; the best is trial "
        f"{best.number + 1}: {printable(search.metric)} {formatting.figure(best.score)}"
    )
    points: dict[str, list[tuple[int, float]]] = {"trained to the end": [], "stopped early": []}
    for trial in search.trials:
        if trial.score is not None:
            points["trained to the end" if trial.state == "complete" else "stopped early"].append(
                (trial.number, trial.score)
            )
    yield from _grid(
        {key: found for key, found in points.items() if found}, (1, len(search.trials)), "trial", width, color
    )
    shown = ", ".join(f"{name} {_setting(value)}" for name, value in best.settings.items())
    yield printable(f"best settings: {shown}")


def _setting(value: object) -> str:
    return formatting.figure(value) if isinstance(value, float) else str(value)


def _grid(
    lines: Mapping[str, Sequence[tuple[int, float]]], across: tuple[int, int], rounds: str, width: int, color: bool
) -> Iterator[str]:
    """Points on a grid of characters, a mark a line; the values to the left, the rounds below."""
    if not lines:
        return
    low, high = _range([value for points in lines.values() for _, value in points])
    ticks = {
        row: formatting.figure(high - (high - low) * row / (HEIGHT - 1), (low, high)) for row in range(0, HEIGHT, 3)
    }
    ticks[HEIGHT - 1] = formatting.figure(low, (low, high))
    margin = max(map(len, ticks.values()))
    room = min(MOST, max(LEAST, width - margin - 2))
    cells = [[" "] * room for _ in range(HEIGHT)]
    longest = max(1, across[1] - across[0])
    for index, points in reversed(list(enumerate(lines.values()))):
        mark = paint(MARKS[index % len(MARKS)], COLORS[index % len(COLORS)], color)
        for number, value in points:
            row = round((high - value) / (high - low) * (HEIGHT - 1))
            cells[row][round(number / longest * (room - 1))] = mark
    for row, line in enumerate(cells):
        yield f"{ticks.get(row, ''):>{margin}} {'┤' if row in ticks else '│'}{''.join(line)}"
    yield f"{'':>{margin}} └{'─' * room}"
    first, last = str(across[0]), f"{across[1]} {rounds}"
    yield f"{'':>{margin}}  {first}{last:>{max(1, room - len(first))}}"
    keys = [
        f"{paint(MARKS[i % len(MARKS)], COLORS[i % len(COLORS)], color)} {printable(key)}"
        for i, key in enumerate(lines)
    ]
    yield f"{'':>{margin}}  {'   '.join(keys)}"


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - (abs(low) or 1.0) * 0.05, high + (abs(high) or 1.0) * 0.05)


def _short(run: str) -> str:
    """A run's id as far as its minute and what makes it one of a kind: as ``mlspec runs`` takes it, cut short."""
    return printable(run[:18])
