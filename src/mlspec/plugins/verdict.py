"""What a gate says of a constraint, and how evidence and a bound make a verdict."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from mlspec.diagnostics import Place

Decision = Literal["pass", "fail", "unknown"]
Number = int | float
Estimate = Mapping[str, Any]
"""A measured figure: ``value``, ``low`` and ``high``, each None where it is not defined, then with a ``reason``."""


class Verdict(Struct, frozen=True, kw_only=True):
    """A constraint and whether it holds."""

    gate: str = ""
    requirement: str
    verdict: Annotated[Decision, Meta(description="unknown: the evidence cannot decide; never counted as a pass")]
    value: Number | None = None
    low: Annotated[Number | None, Meta(description="lower end of the interval, where there is one")] = None
    high: Annotated[Number | None, Meta(description="upper end of the interval, where there is one")] = None
    n: Annotated[int | None, Meta(description="number of rows or repetitions behind the value")] = None
    threshold: Number | None = None
    reason: str = ""
    unit: Annotated[str, Meta(description="of value and threshold: '', 's', 'bytes', 'rows/s' or a word")] = ""
    place: Place | None = None
    waived: Annotated[str, Meta(description="justification of the waiver; empty where there is none")] = ""

    def result(self) -> dict[str, Any]:
        """What a gate stores: unit, place and waiver follow from the spec, not from the evidence."""
        return {name: value for name, value in asdict(self).items() if name not in ("unit", "place", "waived")}


def decide(low: float | None, high: float | None, threshold: float, *, at_least: bool) -> Decision:
    """Whether an interval is completely on the right side of a bound, completely on the wrong side, or neither.

    Without an interval nothing can be said. The bound itself is on the right side.
    """
    if low is None or high is None or not (low <= high) or math.isnan(threshold):
        return "unknown"
    if at_least:
        return "pass" if low >= threshold else "fail" if high < threshold else "unknown"
    return "pass" if high <= threshold else "fail" if low > threshold else "unknown"


def by_interval(
    requirement: str, found: Estimate, n: int, threshold: float, *, at_least: bool, unit: str = ""
) -> Verdict:
    """The verdict on an estimate: the whole interval must be on the right side of the bound. ``unit``: a word
    after the value in the reason."""
    value, low, high = found["value"], found["low"], found["high"]
    verdict = decide(low, high, threshold, at_least=at_least) if value is not None else "unknown"
    why = found.get("reason")
    reason = _reason(verdict, value, low, high, n, threshold, at_least, unit)
    if low is None and value is not None and why:
        reason = f"{value:.4g}{f' {unit}' if unit else ''} over {n:,} rows, without an interval: {why}"
    elif value is None and why:
        reason += f": {why}"
    return Verdict(
        requirement=requirement,
        verdict=verdict,
        value=value,
        low=low,
        high=high,
        n=n,
        threshold=threshold,
        reason=reason,
    )


def by_value(
    requirement: str, value: float | None, bound: float, show: Callable[[float], str] = "{:g}".format
) -> Verdict:
    """The verdict on a figure that is known exactly and must be at most the bound; None: it was not recorded."""
    verdict: Decision = "unknown" if value is None or math.isnan(value) else "pass" if value <= bound else "fail"
    return Verdict(
        requirement=requirement,
        verdict=verdict,
        value=value,
        low=value,
        high=value,
        threshold=bound,
        reason="it was not recorded" if value is None else show(value),
    )


def not_measured(requirement: str, threshold: float | None = None) -> Verdict:
    """The verdict where nothing was measured: never a pass."""
    return Verdict(requirement=requirement, verdict="unknown", threshold=threshold, reason="it was not measured")


def not_better(verdict: Verdict) -> Verdict:
    """The verdict on a difference that must be greater than 0: an interval that reaches down to 0 decides nothing."""
    if verdict.verdict == "pass" and not (verdict.low or 0) > 0:
        return replace(verdict, verdict="unknown", reason="the interval includes no difference")
    return verdict


def rows_needed(value: float, low: float, high: float, n: int, threshold: float) -> int | None:
    """About how many rows would take the interval clear of the threshold if the value stayed, rounded up to 2 digits.

    The interval shrinks with the root of the rows. None where the value equals the threshold.
    """
    gap = abs(value - threshold)
    arm = value - low if value > threshold else high - value
    if gap == 0 or arm <= 0:
        return None
    rows = n * (arm / gap) ** 2
    if rows > 1e15:
        return None
    unit = int(10 ** max(0, math.floor(math.log10(rows)) - 1))
    return max(n + 1, math.ceil(rows / unit) * unit)


def _reason(
    verdict: Decision, value: Any, low: Any, high: Any, n: int, threshold: float, at_least: bool, unit: str
) -> str:
    if value is None:
        return f"the metric is not defined on these {n:,} rows"
    if low is None or high is None:
        return f"{n:,} rows are too few for an interval"
    shown = f"{value:.4g}{f' {unit}' if unit else ''}, interval {low:.4g} to {high:.4g} over {n:,} rows"
    if verdict == "pass":
        return shown
    if verdict == "fail":
        return f"{shown}: the whole interval is {'below' if at_least else 'above'} {threshold:g}"
    rows = rows_needed(value, low, high, n, threshold)
    if rows is None:
        return f"{shown}: the value equals the bound, so more rows cannot decide"
    good = value >= threshold if at_least else value <= threshold
    outcome = "holds" if good else "fails"
    needed = f"about {rows:,} test rows would show that it {outcome}, if the value stays the same"
    return f"{shown}, includes {threshold:g}; {needed}"


def seconds(value: float) -> str:
    """A time in a verdict: ``5ms``, ``1.5s``, ``3m``."""
    for limit, unit, factor in ((1e-3, "us", 1e6), (1.0, "ms", 1e3), (120.0, "s", 1.0)):
        if value < limit:
            return f"{value * factor:.3g}{unit}"
    return f"{value / 60:.3g}m"


def size(value: float) -> str:
    """Bytes in a verdict: ``1.5kB``, ``20MB``."""
    for limit, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB")):
        if value < limit:
            return f"{value / (limit / 1e3):.3g}{unit}"
    return f"{value / 1e9:.3g}GB"
