"""A monitored model as text for a terminal, and as Markdown."""

from collections.abc import Iterator, Sequence

from mlspec import formatting
from mlspec.diagnostics import printable
from mlspec.monitoring.findings import Finding, Monitored
from mlspec.report import markdown
from mlspec.report.terminal.paint import joined, paint

ORDER = ("fail", "unknown", "pass")
COLORS = {"pass": "32", "fail": "1;31", "unknown": "33"}
MOST_PASSING = 12  # bounds that hold, of each kind


def text(found: Monitored, *, color: bool = False) -> str:
    """The text, ending in a line break."""
    return joined(_lines(found, color))


def as_markdown(found: Monitored) -> str:
    """The summary, ending in a line break."""
    rows = [f"**{markdown.text(headline(found))}**", "", markdown.text(spans(found)), ""]
    rows += ["| verdict | bound | of | value | reason |", "| --- | --- | --- | ---: | --- |"]
    for one in ordered(found.findings):
        cells = (one.monitor, one.subject, value(one), one.reason)
        rows.append(f"| {markdown.SIGNS[one.verdict]} | {' | '.join(map(markdown.text, cells))} |")
    rows += ["", *(f"- {markdown.text(line)}" for line in notes(found))]
    return "\n".join(rows).rstrip() + "\n"


def headline(found: Monitored) -> str:
    """The outcome in a sentence."""
    alarms = found.alarms
    if alarms:
        said = "; ".join(f"{one.monitor} of {one.subject}" for one in alarms[:5])
        more = f" and {len(alarms) - 5} more" if len(alarms) > 5 else ""
        bounds = f"{formatting.count(len(alarms), 'bound')} fail{'s' if len(alarms) == 1 else ''}"
        return f"Alarm: {bounds}: {said}{more}"
    unknown = sum(one.verdict == "unknown" for one in found.findings)
    if unknown:
        return f"No alarm; {unknown} of {formatting.count(len(found.findings), 'bound')} can't be decided"
    return f"No alarm: {formatting.count(len(found.findings), 'bound')} hold"


def spans(found: Monitored) -> str:
    """Which rows were judged."""
    window = found.window
    parts = [
        f"{found.candidate} ({found.model[:12]}) at {formatting.moment(found.now)}: "
        f"{formatting.count(window.rows, 'row')} from {formatting.moment(window.start)}"
    ]
    if found.quality is not None:
        parts.append(
            f"labels are due of {formatting.count(found.quality.rows, 'row')} up to "
            f"{formatting.moment(found.quality.end)}"
        )
    return "; ".join(parts)


def notes(found: Monitored) -> Iterator[str]:
    """What was left out or is odd, a line each."""
    log = found.log
    counts = (
        (log.damaged_parts, "damaged part", "left out"),
        (log.too_many, "older part", "left out, because the newer ones have enough rows"),
        (log.other_models, "row", "of other models left out"),
        (log.other_roles, "row", "of shadows left out"),
        (log.duplicates, "row", "in the log twice, counted once"),
        (log.later, "row", "from after the stated time left out"),
        (log.refused, "request", "refused in this window"),
    )
    for number, noun, what in counts:
        if number:
            yield f"log: {formatting.count(number, noun)} {what}"
    yield from (f"log: {name}" for name in log.damaged)
    if found.labels is not None:
        said = found.labels
        parts = [f"{said.matched:,} of {formatting.count(said.rows, 'label')} fit a row of the log"]
        for number, what in (
            (said.missing, "rows whose label is due have none"),
            (said.late, "late"),
            (said.duplicates, "duplicates"),
            (said.corrected, "corrected by a later one"),
            (said.unmatched, "of no row in the log"),
            (said.later, "from after the stated time"),
            (said.unusable, "without a usable value"),
        ):
            if number:
                parts.append(f"{number:,} {what}")
        yield f"labels: {', '.join(parts)}"
    yield from (f"warning: {text}" for text in found.warnings)


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Those that fail first, then those that can't be decided."""
    return sorted(findings, key=lambda one: ORDER.index(one.verdict))


def value(one: Finding) -> str:
    """A value in its unit."""
    return formatting.quantity(one.value, one.unit, (one.low, one.high)) if one.value is not None else ""


def _lines(found: Monitored, color: bool) -> Iterator[str]:
    yield printable(spans(found))
    yield ""
    passing: dict[str, int] = {}
    listed = []
    for one in ordered(found.findings):
        if one.verdict == "pass":
            passing[one.monitor] = passing.get(one.monitor, 0) + 1
            if passing[one.monitor] > MOST_PASSING:
                continue
        listed.append(one)
    wide = [max((len(name) for name in names), default=0) for names in _columns(listed)]
    for one in listed:
        verdict = paint(f"{one.verdict:<7}", COLORS[one.verdict], color)
        cells = [f"{printable(cell):<{width}}" for cell, width in zip(_cells(one), wide, strict=True)]
        yield f"{verdict}  {'  '.join(cells)}  {printable(one.reason)}".rstrip()
    for name, count in passing.items():
        if count > MOST_PASSING:
            yield f"{paint('pass   ', COLORS['pass'], color)}  {name}: {count - MOST_PASSING:,} more"
    yield ""
    for line in notes(found):
        yield printable(line)
    yield paint(printable(headline(found)), COLORS["fail" if found.alarms else found.verdict], color)


def _cells(one: Finding) -> tuple[str, str]:
    return one.monitor, one.subject


def _columns(findings: Sequence[Finding]) -> tuple[list[str], list[str]]:
    return [one.monitor for one in findings], [printable(one.subject) for one in findings]
