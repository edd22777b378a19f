"""A diff as a comment on a pull request: the verdict first, a table by severity, details folded away.

Everything that comes from a spec is between ``<code>`` tags with every character that could mean something written
as an entity: it can be neither markup nor link nor mention.
"""

from collections.abc import Iterator

from mlspec.diagnostics import printable
from mlspec.diff.change import MEANS, Change, Diff, Results, Severity
from mlspec.diff.show import words
from mlspec.graph.show.text import duration

MOST = 60_000
FEW = 3
MARKS: dict[Severity, str] = {"error": "🔴", "warning": "🟠", "notice": "🔵", "info": "⚪"}


def markdown(diff: Diff) -> str:
    """The comment, at most ``MOST`` characters; its last line is a hidden marker by which it is found again."""
    ending = f"\n{marker(diff.project)}\n"
    room = MOST - len(ending)
    text = "\n".join(_head(diff)) + "\n"
    if diff.changes:
        text += "\n| | class | what | change | steps re-run |\n| --- | --- | --- | --- | --- |\n"
        lacking = 200
        for index, change in enumerate(diff.changes):
            row = _row(change) + "\n"
            if len(text) + len(row) > room - lacking:
                text += f"\n**{len(diff.changes) - index} more changes do not fit here**: `mlspec diff --format json`\n"
                break
            text += row
    for section in _sections(diff):
        if len(text) + len(section) + 2 <= room:
            text += "\n" + section
    return text + ending


def marker(project: str) -> str:
    """What a bot looks for to renew its comment in place of writing another."""
    return f"<!-- mlspec:diff:{project} -->"


def _head(diff: Diff) -> Iterator[str]:
    sign = "⛔" if diff.failing else "✅" if not diff.changes else "🔎"
    verdict = words.verdict(diff)
    yield f"{sign} **{verdict[0].upper()}{verdict[1:]}**"
    yield ""
    between = f"{code(diff.base.label)} → {code(diff.head.label)}"
    if diff.changes:
        yield f"{code(diff.head.path)}, {between}. {_sentence(diff)}"
    else:
        yield f"{code(diff.head.path)}, {between}: the file changed, but its meaning did not."
        if diff.impact.unknown is not None:
            yield ""
            yield f"Data and code next to it could not be compared: {code(diff.impact.unknown)}"


def _sentence(diff: Diff) -> str:
    if diff.impact.unknown is not None:
        return f"Impact unknown: {code(diff.impact.unknown)}"
    plan = words.plan(diff.impact)
    return f"{plan[0].upper()}{plan[1:]}."


def _row(change: Change) -> str:
    mark = "☑️" if change.accepted is not None else MARKS[change.severity]
    place = words.place(change)
    what = f"{code(change.path)}<br><sub>{code(place)}</sub>" if place else code(change.path)
    said = code(words.values(change))
    if change.accepted is not None:
        said += f"<br>accepted: {code(change.accepted)}"
    steps = words.NONE if change.profile else "?" if change.steps is None else str(len(change.steps))
    return f"| {mark} | {change.class_} | {what} | {said} | {steps} |"


def _sections(diff: Diff) -> Iterator[str]:
    if diff.results is not None:
        yield _results(diff.results)
    if diff.unused:
        lines = [f"- {code(one.what)} accepts nothing here ({code(one.reason)}); delete it" for one in diff.unused]
        yield "\n".join(lines) + "\n"
    if diff.notes:
        yield "\n".join(f"- {code(note)}" for note in diff.notes) + "\n"
    classes = list(dict.fromkeys(change.class_ for change in diff.changes))
    if classes:
        meanings = [f"- **{name}**: {MEANS[name]}" for name in classes]
        yield _folded("What the classes mean", "\n".join(meanings))
    impact = diff.impact
    if impact.mermaid:
        key = "Orange is re-run, blue only if its inputs changed, green is new, red was removed."
        yield _folded("The plan, before and after", f"```mermaid\n{impact.mermaid}```\n\n{key}")
    if impact.invalidated:
        rows = []
        for one in impact.invalidated:
            after = ", ".join(map(code, one.because)) if len(one.because) <= FEW else f"{len(one.because)} steps"
            why = "new" if one.new else "itself" if one.certain else f"by {after}" if after else "by its inputs"
            rows.append(f"| {code(one.step)} | {why} | {_time(one.seconds_from, one.seconds_to)} |")
        table = "| step | changed | took |\n| --- | --- | --- |\n" + "\n".join(rows)
        yield _folded(f"Steps to re-run ({len(impact.invalidated)})", table)


def _time(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "?"
    return duration(low) if duration(low) == duration(high) else f"{duration(low)} to {duration(high)}"


def _results(results: Results) -> str:
    if results.unknown is not None or results.stale is not None:
        return f"**Results**: {code(results.unknown or results.stale or '')}\n"
    moved = [metric for metric in results.metrics if metric.told != "the same"]
    if not moved and not results.gates:
        return "**Results**: the same in both locks\n"
    lines = ["**Results**, from the locks", "", "| | before | after | |", "| --- | --- | --- | --- |"]
    for metric in moved:
        before, after = (_estimate(side) for side in (metric.base, metric.head))
        lines.append(f"| {code(metric.metric)} | {before} | {after} | {metric.told} ({metric.how}) |")
    for gate in results.gates:
        said = gate.head_requirement or gate.base_requirement or ""
        before, after = (
            f"{verdict or words.NONE}{'' if value is None else f', {words.number(value)}'}"
            for verdict, value in ((gate.base_verdict, gate.base_value), (gate.head_verdict, gate.head_value))
        )
        lines.append(f"| {code(gate.gate)} | {before} | {after} | {code(said)} |")
    return "\n".join(lines) + "\n"


def _estimate(side: dict[str, float | None] | None) -> str:
    if side is None:
        return words.NONE
    low, high = words.number(side.get("low")), words.number(side.get("high"))
    return f"{words.number(side.get('value'))} ({low} to {high})"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>\n"


def code(text: str) -> str:
    """Text from a spec, as it is: nothing in it can have a meaning in Markdown or HTML."""
    harmless = " ,/=-()+" if "www." in text.lower() else " ,/=-()+."
    plain = "".join(char if char.isalnum() or char in harmless else f"&#{ord(char)};" for char in printable(text))
    return f"<code>{plain}</code>"
