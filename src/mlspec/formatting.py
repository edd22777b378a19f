"""Numbers as people read them, the same on the terminal, in Markdown and on the page."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlspec.report.facts.evaluation_facts import Estimate, Fairness
from mlspec.report.facts.run import Gate, RunFacts, Score


def figure(value: float | None, near: Iterable[float | None] = ()) -> str:
    """A number with as many decimals as the spread of ``near`` (the ends of its interval) makes meaningful."""
    if value is None or math.isnan(value):
        return "–"
    ends = [end for end in near if end is not None and math.isfinite(end)]
    spread = max(ends) - min(ends) if len(ends) > 1 else 0.0
    if spread > 0:
        decimals = min(6, max(0, 1 - math.floor(math.log10(spread))))
        return f"{value:,.{decimals}f}"
    if value and (abs(value) >= 1e7 or abs(value) < 1e-4):
        return f"{value:.3e}"
    decimals = 4 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float | None) -> str:
    """A time: ``3.2 ms``, ``12.4 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1000:.3g} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def moment(time: str) -> str:
    """A time in ISO 8601 (UTC) to the second: ``2026-01-02 03:04:05 UTC``."""
    return f"{time[:19].replace('T', ' ')} UTC"


def size(value: float | None) -> str:
    """Bytes, decimal: ``812 B``, ``1.4 MB``."""
    if value is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.0f} B"


def count(value: int, noun: str) -> str:
    """``1 step``, ``1,200 steps``."""
    return f"{value:,} {noun}" + ("" if value == 1 else "s")


def quantity(value: float | None, unit: str, near: Iterable[float | None] = ()) -> str:
    """A gate's value in its unit."""
    if unit == "s":
        return seconds(value)
    if unit == "rows/s":
        return "–" if value is None else f"{float(f'{value:.3g}'):,g} rows/s"
    return size(value) if unit == "bytes" else figure(value, near)


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """``[0.9219, 0.9304]``, or nothing."""
    if low is None or high is None or low == high:
        return ""
    return f"[{quantity(low, unit, (low, high))}, {quantity(high, unit, (low, high))}]"


def gate_value(gate: Gate) -> str:
    """The value that a gate judged, with its interval."""
    text = quantity(gate.value, gate.unit, (gate.low, gate.high))
    between = interval(gate.low, gate.high, gate.unit)
    return f"{text} {between}" if between else text


def score_value(score: Score) -> str:
    """A metric's value with its interval."""
    text = figure(score.value, (score.low, score.high))
    between = interval(score.low, score.high)
    return f"{text} {between}" if between else text


def estimate(found: Estimate | Fairness) -> str:
    """A value with its interval."""
    return f"{figure(found.value, (found.low, found.high))} {interval(found.low, found.high)}".rstrip()


def headline(facts: RunFacts) -> str:
    """The outcome in a sentence without full stop."""
    if facts.outcome == "error":
        return f"{count(len(facts.failures), 'step')} failed"
    if facts.outcome == "interrupted":
        return "Interrupted: run again to go on from here"
    if not facts.gates:
        return "Done; the spec states no constraints"
    held_to = [gate for gate in facts.gates if not gate.waived]
    failing = sum(gate.verdict == "fail" for gate in held_to)
    unknown = sum(gate.verdict == "unknown" for gate in held_to)
    total = count(len(held_to), "constraint")
    waived = len(facts.gates) - len(held_to)
    more = f"; {waived} more {'is' if waived == 1 else 'are'} waived" if waived else ""
    if failing:
        told = f"{failing} of {total} {'does' if failing == 1 else 'do'} not hold"
        return told + (f", {unknown} cannot be decided" if unknown else "") + more
    if unknown:
        return f"{unknown} of {total} cannot be decided on this evidence{more}"
    return ("The one constraint holds" if len(held_to) == 1 else f"All {total} hold") + more


def holdout(facts: RunFacts) -> str:
    """How often the test rows have judged, a sentence without full stop; nothing where this is the first time."""
    found = facts.holdout
    if found is None or (found.uses == 1 and found.allowed is None):
        return ""
    told = f"The test rows have judged {count(found.uses, 'model')}"
    told += f", {found.allowed} {'is' if found.allowed == 1 else 'are'} allowed" if found.allowed is not None else ""
    return told + (f"; this one was number {found.place}" if found.uses > 1 else "")


def threshold(facts: RunFacts) -> str:
    """What the decisions are made by, where a threshold was chosen: a sentence without full stop; or nothing."""
    decisions = facts.evaluation.decisions
    if decisions is None or decisions.threshold is None:
        return ""
    positive = f" '{decisions.classes[1]}'" if len(decisions.classes) == 2 else ""
    return (
        f"Decisions: positive{positive} from a probability of {figure(decisions.threshold)} on, chosen on the "
        "validation rows"
    )


def seeds(values: Sequence[float], metric: str) -> str:
    """How far seeds are apart: a sentence without full stop; or nothing."""
    if len(values) < 2:
        return ""
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    ends = (min(values), max(values))
    return (
        f"{metric} over {len(values)} seeds: {figure(ends[0], ends)} to {figure(ends[1], ends)}, standard deviation "
        f"{spread:.2g}"
    )


def promise(private: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What a training by DP-SGD promises of each training row, and by what; nothing of another training."""
    if not private:
        return ()
    steps = f"{private['steps']:,} of {private['planned']:,} steps"
    return (
        f"trained privately: epsilon {private['epsilon']:.3g} at delta {private['delta']:g} "
        f"({private['spent']:.3g} spent in {steps}), gradients of rows cut to {private['clip']:g}, noise "
        f"{private['noise']:.3g}, a row in a batch with probability {private['rate']:.3g}",
    )
