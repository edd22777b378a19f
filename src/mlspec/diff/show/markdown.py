"""A diff as a comment on a pull request: the verdict first, a table by severity, details folded away.

Everything that comes from a spec is between ``<code>`` tags with every character that could mean something written
as an entity: it can be neither markup nor link nor mention.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from mlspec.diagnostics import Span, printable
from mlspec.diff.change import MEANS, Change, Diff, Overview, Results, Severity, Side, SpecDiff
from mlspec.diff.show import words
from mlspec.diff.show.host import Host
from mlspec.diff.version import WORKING_TREE
from mlspec.graph.show.text import duration

MOST = 60_000
MOST_LISTED = 100  # specs in a list
MOST_LINES = 12  # of what is wrong with a spec
LACKING = 200  # characters that are kept free to say what does not fit
EVERY = "all"  # what the marker of a comment on all specs names
FEW = 3
MARKS: dict[Severity, str] = {"error": "🔴", "warning": "🟠", "notice": "🔵", "info": "⚪"}


def markdown(diff: Diff, host: Host | None = None) -> str:
    """The comment, at most ``MOST`` characters; its last line is a hidden marker by which it is found again. ``host``:
    where files and commits are linked to."""
    ending = f"\n{marker(diff.head.path)}\n"
    room = MOST - len(ending)
    text = "\n".join(_head(diff, host)) + "\n"
    text += _table(diff, host, room - len(text) - LACKING)
    for section in (*_findings(diff), *_details(diff)):
        if len(text) + len(section) + 2 <= room:
            text += "\n" + section
    return text + ending


def overview(found: Overview, host: Host | None = None) -> str:
    """All specs of a repository in one comment: the verdict, a line for each spec that changed, then its findings, and
    details as far as they fit."""
    ending = f"\n{marker(EVERY)}\n"
    room = MOST - len(ending)
    shown = [spec for spec in found.specs if spec.status != "unchanged"]
    text = "\n".join(_overall(found, shown, host)) + "\n"
    text += _unchanged(found)
    share = (room - len(text) - LACKING) // max(1, len(shown))
    sections = [_section(spec, host, max(share, LACKING)) for spec in shown]
    for index, section in enumerate(sections):
        if len(text) + len(section) + LACKING > room:
            text += f"\n**{words.plural(len(sections) - index, 'more spec')} do not fit here**: `mlspec diff --all`\n"
            break
        text += section
    return text + ending


def _overall(found: Overview, shown: Sequence[SpecDiff], host: Host | None) -> Iterator[str]:
    verdict = words.overall(found)
    sign = "⛔" if found.failing or found.of("unreadable") else "✅" if not shown else "🔎"
    yield f"{sign} **{verdict[0].upper()}{verdict[1:]}**"
    yield ""
    yield f"Specs in {code(found.head.path)}, {_sides(found.base, found.head, host)}."
    if shown:
        yield ""
        yield "| spec | verdict |"
        yield "| --- | --- |"
    for spec in shown[:MOST_LISTED]:
        yield f"| {_sign(spec)} {_named(spec, host)}<br><sub>{spec.status}</sub> | {_said(spec)} |"
    if len(shown) > MOST_LISTED:
        yield f"| {len(shown) - MOST_LISTED} more | |"
    for one in found.unused:
        yield f"\n- {code(one.what)} accepts nothing in any spec ({code(one.reason)})"


def _sign(spec: SpecDiff) -> str:
    if spec.diff is None or spec.diff.failing:
        return "⛔"
    open_changes = [change for change in spec.diff.changes if change.accepted is None]
    return MARKS[open_changes[0].severity] if open_changes else "☑️"


def _named(spec: SpecDiff, host: Host | None) -> str:
    return code(spec.path) if spec.diff is None else _file(spec.path, None, spec.diff, host)


def _said(spec: SpecDiff) -> str:
    return "can't be compared" if spec.diff is None else code(words.verdict(spec.diff))


def _unchanged(found: Overview) -> str:
    same = found.of("unchanged")
    if not same:
        return ""
    listed = ", ".join(code(spec.path) for spec in same[:MOST_LISTED])
    more = f" and {len(same) - MOST_LISTED} more" if len(same) > MOST_LISTED else ""
    return f"\nUnchanged: {listed}{more}\n"


def _section(spec: SpecDiff, host: Host | None, room: int) -> str:
    text = f"\n### {code(spec.path)}: {spec.status}\n\n"
    if spec.diff is None:
        lines = (spec.unreadable or "").splitlines()[:MOST_LINES]
        return text + "".join(f"{code(line)}<br>\n" for line in lines if line.strip())
    diff = spec.diff
    if diff.status == "moved":
        text += f"Moved from {code(diff.base.path)}. "
    text += f"{_sentence(diff)}\n" if diff.changes else "Its meaning did not change.\n"
    text += _table(diff, host, max(LACKING, room - len(text)))
    for section in _findings(diff):
        if len(text) + len(section) + 2 <= room:
            text += "\n" + section
    return text


def _table(diff: Diff, host: Host | None, room: int) -> str:
    """The changes as a table of no more than ``room`` characters."""
    if not diff.changes:
        return ""
    text = "\n| class | change |\n| --- | --- |\n"
    for index, change in enumerate(diff.changes):
        row = _row(change, diff, host) + "\n"
        if len(text) + len(row) > room:
            more = len(diff.changes) - index
            return text + f"\n**{more} more changes do not fit here**: `mlspec diff --format json`\n"
        text += row
    return text


def marker(path: str) -> str:
    """What a bot looks for to renew its comment in place of writing another: one for each spec, by its path."""
    from urllib.parse import quote

    return f"<!-- mlspec:diff:{quote(path, errors='surrogateescape').replace('--', '-%2D')} -->"


def _head(diff: Diff, host: Host | None) -> Iterator[str]:
    sign = "⛔" if diff.failing else "✅" if not diff.changes else "🔎"
    verdict = words.verdict(diff)
    yield f"{sign} **{verdict[0].upper()}{verdict[1:]}**"
    yield ""
    moved = f", moved from {code(diff.base.path)}" if diff.status == "moved" else ""
    path = diff.base.path if diff.status == "deleted" else diff.head.path
    about = f"{_file(path, None, diff, host)}{moved}, {_sides(diff.base, diff.head, host)}"
    if diff.changes:
        yield f"{about}. {_sentence(diff)}"
    else:
        yield f"{about}: the file changed, but its meaning did not."
        if diff.impact.unknown is not None:
            yield ""
            yield f"Data and code next to it could not be compared: {code(diff.impact.unknown)}"


def _sides(base: Side, head: Side, host: Host | None) -> str:
    shown = [(side.label, side.commit) for side in (base, head)]
    if host is not None and head.commit is None and head.label == WORKING_TREE:
        shown[1] = ("head", host.commit)
    return " → ".join(_linked(code(label), None if host is None else host.of_commit(name)) for label, name in shown)


def _file(path: str, span: Span | None, diff: Diff, host: Host | None, *, before: bool = False) -> str:
    """A file, or a line of it, linked to where the host shows it in its version."""
    text = code(path if span is None else f"{path}:{span.line}" + (" (before)" if before else ""))
    if host is None:
        return text
    commit = diff.base.commit if before or diff.status == "deleted" else diff.head.commit or host.commit
    return _linked(text, host.of_file(path, commit, None if span is None else span.line))


def _linked(text: str, address: str | None) -> str:
    return text if address is None else f'<a href="{escape(address)}">{text}</a>'


def _sentence(diff: Diff) -> str:
    if diff.status == "deleted":
        return "The spec was deleted: nothing that it demands is checked any more."
    if diff.impact.unknown is not None:
        return f"Impact unknown: {code(diff.impact.unknown)}"
    plan = words.plan(diff.impact)
    return f"{plan[0].upper()}{plan[1:]}."


def _row(change: Change, diff: Diff, host: Host | None) -> str:
    """A change in two columns, which fit on a phone: a wider table hides its last ones there."""
    mark = "☑️" if change.accepted is not None else MARKS[change.severity]
    span = change.head or change.base
    parts = [code(change.path), code(words.values(change))]
    if change.accepted is not None:
        parts.append(f"accepted: {code(change.accepted)}")
    place = (
        f"{_file(span.file, span, diff, host, before=change.head is None)} " if span is not None and span.file else ""
    )
    parts.append(f"<sub>{place}{code(change.id)}</sub>")
    steps = "?" if change.steps is None else str(len(change.steps))
    again = "" if change.profile else f"<br><sub>{steps} re-run</sub>"
    return f"| {mark} {change.class_}{again} | {'<br>'.join(parts)} |"


def _findings(diff: Diff) -> Iterator[str]:
    if diff.gates:
        yield _gates(diff)
    if diff.data:
        yield "\n".join(f"- data of {code(one.source)}: {code(words.data(one))}" for one in diff.data) + "\n"
    if diff.results is not None:
        yield _results(diff.results)
    if diff.candidates:
        rows = [f"| {code(one.candidate)} | {_estimate(one.base)} | {_estimate(one.head)} |" for one in diff.candidates]
        metric = code(diff.candidates[0].metric)
        yield f"| {metric} on the validation rows | before | after |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
    if diff.unused:
        lines = [f"- {code(one.what)} accepts nothing here ({code(one.reason)}); delete it" for one in diff.unused]
        yield "\n".join(lines) + "\n"
    if diff.notes:
        yield "\n".join(f"- {code(note)}" for note in diff.notes) + "\n"


def _details(diff: Diff) -> Iterator[str]:
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


def _gates(diff: Diff) -> str:
    lines = ["| gate | bound, and what was measured last |", "| --- | --- |"]
    for gate in diff.gates:
        last = words.estimate(gate.value, gate.low, gate.high, gate.unit)
        parts = [
            code(words.bounds(gate)),
            f"last value {code(last)}, margin {code(words.measured(gate.margin, gate.unit))}",
        ]
        lines.append(f"| {code(gate.gate)} | {'<br>'.join((*parts, code(words.would(gate))))} |")
    return "\n".join(lines) + "\n"


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
        before = _decided(gate.base_verdict, gate.base_value, gate.unit)
        after = _decided(gate.head_verdict, gate.head_value, gate.unit)
        lines.append(f"| {code(gate.gate)} | {before} | {after} | {code(said)} |")
    return "\n".join(lines) + "\n"


def _decided(verdict: str | None, value: object, unit: str) -> str:
    said = words.NONE if verdict is None else code(verdict)
    return said if value is None else f"{said}, {code(words.measured(value, unit))}"


def _estimate(side: Mapping[str, float | None] | None) -> str:
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
