"""Small pieces of text that the forms share."""

from typing import Any

from mlspec.diagnostics import printable
from mlspec.diff.change import MEANS, Change, Diff, Impact
from mlspec.graph.fingerprint import canonical
from mlspec.graph.show.text import duration

NONE = "–"
MOST = 72


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
        return "there is no older version to compare with"
    if not (change.base_stated or change.head_stated) and change.kind == "changed":
        return f"{MEANS[change.class_]}; not stated: it follows from another key, or from the version of the language"
    return MEANS[change.class_]


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
        text = duration(high) if high < 1 else f"about {duration(high)}"
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
    chosen = any(one.step == "select" for one in impact.invalidated) and not impact.same_model
    told = "the model may change" if chosen else "the model does not change"
    return told + (f", {gates} gate{'s' * (gates > 1)} decided again" if gates else "")


def verdict(diff: Diff) -> str:
    """The whole in a line."""
    if not diff.changes and not diff.failing:
        return "no change of meaning"
    if diff.failing:
        stopped = [change for change in diff.changes if change.id in set(diff.failing)]
        classes = list(dict.fromkeys(change.class_ for change in stopped))
        parts = (
            [f"{len(stopped)} change{'s' * (len(stopped) > 1)} ({', '.join(classes)}) not accepted"] if stopped else []
        )
        parts += ["mlspec.lock is out of date"] if "stale" in diff.failing else []
        return f"blocked: {', '.join(parts)}"
    if diff.changes[0].rule == "(spec)":
        return "the spec is new"
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


def number(item: object) -> str:
    """A number to four digits."""
    return f"{item:.4g}" if isinstance(item, int | float) and not isinstance(item, bool) else value(item)
