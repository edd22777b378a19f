"""A diff for a terminal, in the manner of a plan: the gravest first, then the impact, then a verdict."""

from collections.abc import Iterator, Mapping

from mlspec.diagnostics import printable
from mlspec.diff.change import Change, Diff, Overview, Results, Severity
from mlspec.diff.show import words
from mlspec.graph.show.text import duration, names

MARKS: dict[Severity, tuple[str, str]] = {
    "error": ("✖", "1;31"),
    "warning": ("!", "1;33"),
    "notice": ("~", "1;36"),
    "info": ("·", "2"),
}
MOST = 60


def text(diff: Diff, *, color: bool = False) -> str:
    """The text, without a line break at its end."""
    return "\n".join(_lines(diff, color))


def overview(found: Overview, *, color: bool = False) -> str:
    """All specs of a repository, those that changed one after the other, then a verdict for all."""
    return "\n".join(_overview(found, color))


def _overview(found: Overview, color: bool) -> Iterator[str]:
    for spec in found.specs:
        if spec.diff is not None and spec.status != "unchanged":
            yield from _lines(spec.diff, color)
            yield ""
        elif spec.diff is None:
            yield _paint(f"{printable(spec.path)}: can't be compared", "1;31", color)
            yield from (f"  {printable(line)}" for line in (spec.unreadable or "").splitlines())
            yield ""
    if same := found.of("unchanged"):
        yield f"Unchanged: {names([printable(spec.path) for spec in same])}"
    for one in found.unused:
        yield f"Unused: --allow {printable(one.what)} accepts nothing in any spec"
    bad = found.failing or found.of("unreadable")
    tint = "1;31" if bad else "1;32" if len(found.of("unchanged")) == len(found.specs) else "1"
    yield _paint(f"All specs, {_label(found)}: {words.overall(found)}", tint, color)


def _lines(diff: Diff, color: bool) -> Iterator[str]:
    path = diff.base.path if diff.status == "deleted" else diff.head.path
    moved = f" (moved from {printable(diff.base.path)})" if diff.status == "moved" else ""
    yield _paint(f"{printable(path)}{moved}: {_label(diff)}", "1", color)
    yield ""
    for change in diff.changes[:MOST]:
        yield from _change(change, color)
    if len(diff.changes) > MOST:
        yield f"  … and {len(diff.changes) - MOST} more: --format json has them all"
    if diff.status != "deleted" and (diff.changes or diff.impact.unknown):
        yield ""
        steps, _, rest = words.plan(diff.impact).partition("; ")
        yield f"Impact: {steps}"
        if rest:
            yield f"        {rest}"
        if diff.impact.renamed:
            pairs = [f"{printable(old)} -> {printable(new)}" for old, new in diff.impact.renamed.items()]
            yield f"  renamed: {names(pairs)}"
    yield from _measured(diff, color)
    for one in diff.unused:
        where = "" if one.where is None else f" ({printable(one.where.file)}:{one.where.line})"
        yield f"Unused: mlspec-allow {printable(one.what)}{where} accepts nothing here; delete it"
    for note in diff.notes:
        yield f"Note: {printable(note)}"
    tint = "1;31" if diff.failing else "1;32" if not diff.changes else "1"
    yield _paint(f"Verdict: {words.verdict(diff)}", tint, color)


def results(diff: Diff, *, color: bool = False) -> str:
    """What the two locks say alone: gates, data, metrics, candidates."""
    head = _paint(f"{printable(diff.head.path)}: {_label(diff)}", "1", color)
    found = list(_measured(diff, color))
    return "\n".join([head, "", *(found or ["neither has an mlspec.lock"])])


def _measured(diff: Diff, color: bool) -> Iterator[str]:
    if diff.gates:
        yield "Gates, by what the base's lock has measured:"
    for gate in diff.gates:
        margin = "" if gate.margin is None else f", margin {words.measured(gate.margin, gate.unit)}"
        last = words.estimate(gate.value, gate.low, gate.high, gate.unit)
        yield f"  {printable(gate.gate)}: {words.bounds(gate)}; last {last}{margin}; {words.would(gate)}"
    for source in diff.data:
        yield f"Data of {printable(source.source)}: {words.data(source)}"
    if diff.results is not None:
        yield from _results(diff.results, color)
    if diff.candidates:
        yield "Candidates on the validation rows:"
    for score in diff.candidates:
        old, new = (_estimate(side) for side in (score.base, score.head))
        yield f"  {printable(score.candidate)} ({printable(score.metric)}): {old} -> {new}"


def _label(diff: Diff | Overview) -> str:
    names = []
    for side in (diff.base, diff.head):
        short = "" if side.commit is None or side.commit.startswith(side.label) else f" ({side.commit[:7]})"
        names.append(f"{printable(side.label)}{short}")
    return " -> ".join(names)


def _change(change: Change, color: bool) -> Iterator[str]:
    mark, tint = MARKS[change.severity]
    if change.accepted is not None:
        mark, tint = "✓", "32"
    head = f"{_paint(f'{mark} {change.class_:<10}', tint, color)} {_paint(printable(change.path), '1', color)}"
    yield f"{head}  {words.values(change)}"
    about = [words.place(change), words.why(change), words.steps(change)]
    yield _paint(f"  {'':10} {' · '.join(part for part in about if part)}", "2", color)
    if change.accepted is not None:
        yield f"  {'':10} accepted: {printable(change.accepted)}"


def _results(results: Results, color: bool) -> Iterator[str]:
    if results.unknown is not None:
        yield f"Results: {printable(results.unknown)}"
        return
    if results.stale is not None:
        yield f"Results: {printable(results.stale)}"
        return
    moved = [metric for metric in results.metrics if metric.told != "the same"]
    if not moved and not results.gates:
        yield "Results: the same in both locks"
        return
    yield "Results:"
    tints = {"better": "32", "worse": "31"}
    for metric in moved:
        was, now = (_estimate(side) for side in (metric.base, metric.head))
        told = _paint(metric.told, tints.get(metric.told, "0"), color)
        yield f"  {printable(metric.metric)}: {was} -> {now}  {told}{f' ({metric.how})' if metric.how else ''}"
    for gate in results.gates:
        verdicts = printable(f"{gate.base_verdict or words.NONE} -> {gate.head_verdict or words.NONE}")
        tint = "31" if gate.head_verdict in ("fail", "unknown") and gate.base_verdict == "pass" else "0"
        said = [gate.head_requirement or gate.base_requirement or ""]
        if gate.base_value != gate.head_value:
            said.append(f"{words.measured(gate.base_value, gate.unit)} -> {words.measured(gate.head_value, gate.unit)}")
        yield f"  {printable(gate.gate)}: {_paint(verdicts, tint, color)}  {printable('; '.join(said))}"
    for name, (old, new) in results.environment.items():
        yield printable(f"  {name}: {old or words.NONE} -> {new or words.NONE}")
    old_time, new_time = results.seconds
    if old_time is not None and new_time is not None and duration(old_time) != duration(new_time):
        yield f"  all steps: {duration(old_time)} -> {duration(new_time)}"


def _estimate(side: Mapping[str, float | None] | None) -> str:
    if side is None:
        return words.NONE
    ends = [words.number(side.get(end)) for end in ("low", "high")]
    return f"{words.number(side.get('value'))} [{ends[0]}, {ends[1]}]"


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text
