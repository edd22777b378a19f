"""Small pieces of text that the forms share."""

from typing import Any

from mlspec.diagnostics import printable
from mlspec.diff.change import MEANS, Change, DataChange, Diff, GateOutlook, Impact, Overview, SpecDiff
from mlspec.graph.fingerprint import canonical
from mlspec.graph.show.text import duration
from mlspec.plugins.verdict import seconds, size

NONE = "–"
STALE = "stale"
MOST = 72
POLICY: dict[str, str] = {
    "error": "the policy requires less than before",
    "warning": "the policy requires more than before",
    "info": "the policy requires the same",
}


def value(item: Any, most: int = MOST) -> str:
    """A value on one line as a spec writes it, cut where it is long."""
    if item is None:
        return NONE
    text = _flow(item)
    return text if len(text) <= most else text[: most - 1] + "…"


def _flow(item: Any) -> str:
    if isinstance(item, dict):
        return "{" + ", ".join(f"{printable(str(key))}: {_flow(inner)}" for key, inner in item.items()) + "}"
    if isinstance(item, list | tuple):
        return "[" + ", ".join(_flow(inner) for inner in item) + "]"
    if isinstance(item, str):
        return printable(item)
    return printable(canonical(item).decode())


def values(change: Change, most: int = MOST) -> str:
    """What became of what: of two sets only what came and what went."""
    if change.kind == "renamed":
        return f"{value(change.old)} is renamed to {value(change.new)}"
    if change.kind == "content":
        return _content(change)
    if change.kind == "reordered" and isinstance(change.new, list):
        return f"now in the order {value(change.new, most)}"
    if change.kind == "changed" and isinstance(change.old, list) and isinstance(change.new, list):
        came = [item for item in change.new if item not in change.old]
        gone = [item for item in change.old if item not in change.new]
        if (came or gone) and not (came and gone and len(came) + len(gone) == len(change.old) + len(change.new)):
            return ", ".join([*(f"- {value(item)}" for item in gone), *(f"+ {value(item)}" for item in came)])
    if change.kind == "added":
        return f"+ {value(change.new, most)}"
    if change.kind == "removed":
        return f"- {value(change.old, most)}"
    # Where neither is stated both follow from elsewhere, which is said behind it.
    follows = not (change.base_stated or change.head_stated)
    old, new = (
        _side(item, stated or follows, most)
        for item, stated in ((change.old, change.base_stated), (change.new, change.head_stated))
    )
    return f"{old} -> {new}"


def _side(item: Any, stated: bool, most: int) -> str:
    return value(item, most) if stated or item is None else f"{value(item, most)} (default)"


def _content(change: Change) -> str:
    if change.rule == "(data) column":
        if change.old is None:
            return f"is new ({value(change.new)}), and used"
        gone = change.new is None
        return f"was removed (was {value(change.old)})" if gone else f"{value(change.old)} -> {value(change.new)}"
    return f"changed: {value(change.new)}" if change.rule == "(data) file" else "is different"


def why(change: Change) -> str:
    """What the change means, in a sentence."""
    if change.rule == "(spec)":
        is_gone = change.kind == "removed"
        return "nothing that it demands is checked any more" if is_gone else "there is no older version to compare with"
    if not (change.base_stated or change.head_stated) and change.kind == "changed":
        return f"{MEANS[change.class_]}; not stated: it follows from another key, or from the version of the language"
    return POLICY.get(change.severity, MEANS["policy"]) if change.class_ == "policy" else MEANS[change.class_]


def place(change: Change) -> str:
    """Where it is: in the head, or where it was in the base."""
    span = change.head or change.base
    if span is None:
        return ""
    file = printable(span.file)
    text = f"{file}:{span.line}" if span.file and span.line else file
    return text if change.head is not None else f"{text} (before)"


def steps(change: Change, most: int = 2) -> str:
    """The steps that a change invalidates, the first few by name."""
    if change.steps is None or change.profile is not None:
        return ""
    if not change.steps:
        return "no step is re-run"
    shown = ", ".join(printable(step) for step in change.steps[:most])
    more = f" and {len(change.steps) - most} more" if len(change.steps) > most else ""
    return f"{len(change.steps)} step{'s' * (len(change.steps) > 1)} re-run: {shown}{more}"


def took(impact: Impact) -> str:
    """How long what is invalidated takes, by the locks' timings."""
    low, high = impact.seconds_from, impact.seconds_to
    if not impact.invalidated:
        return "nothing to compute"
    if low is None or high is None:
        return "time unknown (no lock has timings)"
    if duration(low) == duration(high):
        text = "less than a second" if high < 1 else f"about {duration(high)}"
    elif low < 1:
        text = f"up to {duration(high)}"
    else:
        text = f"{duration(low)} to {duration(high)}"
    return text + (f", and {impact.untimed} step{'s' * (impact.untimed > 1)} never timed" if impact.untimed else "")


def plan(impact: Impact) -> str:
    """The impact in a line."""
    if impact.unknown is not None:
        return f"impact unknown: {printable(impact.unknown)}"
    certain = sum(one.certain for one in impact.invalidated)
    perhaps = len(impact.invalidated) - certain
    if not impact.invalidated:
        text = f"no step is re-run, all {impact.total} and the model are unchanged"
        return text + (f", {len(impact.gone)} removed" if impact.gone else "")
    parts = [f"{certain} of {impact.total} steps re-run"]
    if perhaps:
        parts.append(f"{perhaps} more unless their inputs stay the same")
    parts.append(f"{impact.kept} unchanged")
    if impact.gone:
        parts.append(f"{len(impact.gone)} removed")
    return f"{', '.join(parts)}; {took(impact)}; {model(impact)}"


def model(impact: Impact) -> str:
    """Whether the exported model changes, and how many gates are decided again."""
    gates = sum(one.step.startswith("gate.") for one in impact.invalidated)
    chosen = any(one.step == "select" for one in impact.invalidated)
    told = "the model may change" if chosen else "the model does not change"
    return told + (f", {gates} gate{'s' * (gates > 1)} decided again" if gates else "")


def verdict(diff: Diff) -> str:
    """The whole in a line."""
    if not diff.changes and not diff.failing:
        return "moved, no change of meaning" if diff.status == "moved" else "no change of meaning"
    if diff.failing:
        stopped = [change for change in diff.changes if change.id in set(diff.failing)]
        classes = list(dict.fromkeys(change.class_ for change in stopped))
        parts = (
            [f"{len(stopped)} change{'s' * (len(stopped) > 1)} ({', '.join(classes)}) not accepted"] if stopped else []
        )
        parts += ["mlspec.lock is out of date"] if "stale" in diff.failing else []
        return f"blocked: {', '.join(parts)}"
    if diff.changes[0].rule == "(spec)":
        return "the spec is new" if diff.status == "new" else "the spec is deleted"
    counts: dict[str, int] = {}
    accepted = 0
    for change in diff.changes:
        if change.accepted is None:
            counts[change.class_] = counts.get(change.class_, 0) + 1
        accepted += change.accepted is not None
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    total = len(diff.changes)
    text = f"{total} change{'s' * (total > 1)}" + (f": {said}" if said else "")
    return text + (f"; {accepted} accepted" if accepted else "")


def overall(overview: Overview) -> str:
    """The whole of a repository in a line: what stops, then how many specs became what."""
    parts = []
    if unreadable := overview.of("unreadable"):
        parts.append(f"{plural(len(unreadable), 'spec')} can't be compared")
    if overview.failing:
        classes = [change.class_ for spec in overview.specs for change in _stopping(spec)]
        stale = [STALE] * any(spec.diff is not None and STALE in spec.diff.failing for spec in overview.specs)
        named = ", ".join(dict.fromkeys([*classes, *stale]))
        parts.append(f"blocked by {plural(len(overview.failing), 'spec')} ({named})")
    counts = [(status, len(overview.of(status))) for status in ("changed", "moved", "new", "deleted", "unchanged")]
    parts.append(", ".join(f"{count} {status}" for status, count in counts if count))
    return "; ".join(part for part in parts if part) or "there are no specs"


def _stopping(spec: SpecDiff) -> list[Change]:
    return [] if spec.diff is None else [one for one in spec.diff.changes if one.id in spec.diff.failing]


def plural(count: int, what: str) -> str:
    """``1 spec``, ``2 specs``."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def measured(item: object, unit: str) -> str:
    """A figure with its unit: ``12 MB``, ``3.5 ms``, ``0.81``, ``1,200 rows``."""
    if item is None or isinstance(item, bool) or not isinstance(item, int | float):
        return value(item)
    sign, size_ = ("-" if item < 0 else ""), abs(item)
    match unit:
        case "bytes":
            return sign + spaced(size(size_))
        case "s":
            return sign + spaced(seconds(size_))
        case "":
            return number(item)
        case _:
            return f"{number(item)} {printable(unit)}"


def spaced(text: str) -> str:
    """A figure with a space before its unit."""
    end = next((index for index, char in enumerate(text) if char.isalpha()), len(text))
    return f"{text[:end]} {text[end:]}".strip()


def estimate(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """A figure with its interval, where there is one."""
    if value is None:
        return NONE
    has_ends = low is not None and high is not None and not low == high == value
    return measured(value, unit) + (f" ({measured(low, unit)} to {measured(high, unit)})" if has_ends else "")


def bounds(gate: GateOutlook) -> str:
    """The bounds before and after."""
    old, new = (
        " and ".join(f"{side.replace('_', ' ')} {measured(bound, gate.unit)}" for side, bound in sides.items())
        for sides in (gate.base_bounds, gate.head_bounds)
    )
    return new or NONE if gate.status == "new" else f"{old or NONE} -> {new or NONE}" if old != new else new


def would(gate: GateOutlook) -> str:
    """Whether what was measured last would hold the new bound."""
    text = {"pass": "would have held", "fail": "would have failed", "unknown": "could not be decided", None: ""}
    if gate.status == "removed":
        said = "the gate is removed"
    else:
        said = "unknown: not measured before" if gate.value is None else text[gate.would]
    return f"{said} (was {value(gate.held)})" if gate.held else said


def share(item: float | None) -> str:
    """A share in per cent."""
    return NONE if item is None else f"{100 * item:.3g} %"


def data(change: DataChange) -> str:
    """What changed in a source's rows, in a line."""
    if change.unknown is not None:
        return f"unknown: {change.unknown}"
    parts = [f"{_rows(change.rows[0])} -> {_rows(change.rows[1])} rows"]
    for name, (old, new) in change.target.items():
        parts.append(
            f"mean of the target {number(old)} -> {number(new)}"
            if name == "mean"
            else f"target {value(name)} {share(old)} -> {share(new)}"
        )
    parts += [f"missing in {value(name)} {share(old)} -> {share(new)}" for name, (old, new) in change.missing.items()]
    if change.drifted:
        parts.append(f"pinned spread is another: {', '.join(map(value, change.drifted))}")
    parts.append("the same test rows" if change.same_test_rows else "overlap with the former test rows unknown")
    return "; ".join(parts)


def _rows(count: int | None) -> str:
    return NONE if count is None else f"{count:,}"


def number(item: object) -> str:
    """A number to four digits."""
    return f"{item:.4g}" if isinstance(item, int | float) and not isinstance(item, bool) else value(item)
