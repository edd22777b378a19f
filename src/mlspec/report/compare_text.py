"""A comparison of two runs, and a metric over runs, as text for a terminal."""

from collections.abc import Sequence

from mlspec.graph.show.text import printable
from mlspec.report import words
from mlspec.report.compare import Comparison
from mlspec.report.facts import RunFacts
from mlspec.report.paint import paint
from mlspec.report.terminal import BOLD, DIM, aligned

COLORS = {"better": "32", "worse": "1;31"}
LEAST_WIDTH = 20


def comparison(found: Comparison, *, color: bool = False) -> str:
    """The text, ending in a line break."""
    lines = [f"{found.first} -> {found.second}", ""]
    if not found.same_rows:
        lines += ["The runs were measured on other test rows: their metrics can't be compared.", ""]
    rows = [("metric", "first", "second", "gain", "")]
    for entry in found.metrics:
        ends = (entry.low, entry.high)
        gain = f"{words.figure(entry.gain, ends)} {words.interval(*ends)}".rstrip()
        told = f"{entry.told}{f' ({entry.by})' if entry.by else ''}"
        rows.append((entry.metric, words.figure(entry.first, ends), words.figure(entry.second, ends), gain, told))
    for number, line in enumerate(aligned([tuple(map(printable, row)) for row in rows])):
        told = found.metrics[number - 1].told if number else ""
        lines.append(
            paint(line, COLORS.get(told, DIM if not number else "0"), color and (not number or told in COLORS))
        )
    if found.gates:
        lines.append("")
        lines += [f"{one.gate}: {one.first or 'not there'} -> {one.second or 'not there'}" for one in found.gates]
    if found.selected[0] != found.selected[1]:
        lines += ["", f"selected: {found.selected[0]} -> {found.selected[1]}"]
    lines.append("")
    if found.changed:
        more = f" and {len(found.changed) - 8} more" if len(found.changed) > 8 else ""
        lines.append(f"{words.count(len(found.changed), 'step')} differ: {', '.join(found.changed[:8])}{more}")
    else:
        lines.append("no step differs")
    return "\n".join(printable(line) if "\x1b" not in line else line for line in lines) + "\n"


def history(metric: str, runs: Sequence[RunFacts], *, width: int, color: bool = False) -> str:
    """A metric over runs, the oldest first: value, interval, and both drawn to one scale."""
    found = []
    for run in runs:
        score = next((score for score in run.scores if score.metric == metric), None)
        if score is not None:
            found.append((run, score))
    ends = [end for _, score in found for end in (score.low, score.value, score.high) if end is not None]
    low, high = min(ends), max(ends)
    rows = [(run.id.partition("-")[0], run.selected or "", words.score_value(score)) for run, score in found]
    heads = aligned([("run", "model", metric), *rows])
    room = max(LEAST_WIDTH, width - max(map(len, heads)) - 3)

    def place(value: float) -> int:
        return round((value - low) / ((high - low) or 1.0) * (room - 1))

    lines = [paint(heads[0], DIM, color)]
    for head, (_, score) in zip(heads[1:], found, strict=True):
        bar = [" "] * room
        if score.low is not None and score.high is not None:
            for at in range(place(score.low), place(score.high) + 1):
                bar[at] = "─"
        bar[place(score.value)] = paint("●", BOLD, color)
        lines.append(f"{printable(head).ljust(max(map(len, heads)))}  {''.join(bar).rstrip()}")
    scale = f"{words.figure(low, (low, high))}".ljust(room - 8) + words.figure(high, (low, high)).rjust(8)
    lines.append(paint(" " * (max(map(len, heads)) + 2) + scale, DIM, color))
    return "\n".join(lines) + "\n"
