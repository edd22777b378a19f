"""Numbers as people read them, the same on the terminal, in Markdown and on the page."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


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
