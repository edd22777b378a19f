"""Small pictures as inline SVG: an interval beside its baselines, shares of rows, a training round by round."""

import itertools
from collections.abc import Mapping, Sequence

from mlspec.formatting import figure
from mlspec.report.page.markup import Html, element, number

WIDTH, HEIGHT = 220.0, 26.0
PAD = 7.0


class Scale:
    """Values to pixels."""

    def __init__(self, values: Sequence[float], width: float = WIDTH, pad: float = PAD) -> None:
        self.low, self.high = min(values), max(values)
        room = (self.high - self.low) or abs(self.high) or 1.0
        self.low, self.high = self.low - room * 0.06, self.high + room * 0.06
        self.width, self.pad = width, pad

    def __call__(self, value: float) -> float:
        """The place of a value, in pixels from the left."""
        share = (value - self.low) / (self.high - self.low)
        return self.pad + share * (self.width - 2 * self.pad)


def interval(
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    marks: Mapping[str, float] | None = None,
    threshold: float | None = None,
    scale: Scale | None = None,
    style: str = "",
) -> Html | None:
    """A point on its interval; baselines (``marks``) as hollow dots, the threshold as a line; None without a value."""
    if value is None:
        return None
    marks = marks or {}
    seen = [v for v in (value, low, high, threshold, *marks.values()) if v is not None]
    if len(seen) < 2 and scale is None:
        return None
    at = scale or Scale(seen)
    middle = HEIGHT / 2
    message = [f"value {figure(value, (low, high))}"]
    parts: list[Html] = [line("axis", PAD, middle, WIDTH - PAD, middle)]
    if threshold is not None:
        parts.append(line("threshold", at(threshold), 3, at(threshold), HEIGHT - 3))
        message.append(f"threshold {figure(threshold)}")
    for name, mark in marks.items():
        dot = element(
            "circle", element("title", f"{name} {figure(mark)}"), class_="mark", cx=at(mark), cy=middle, r=3.5
        )
        parts.append(dot)
        message.append(f"{name} {figure(mark)}")
    if low is not None and high is not None:
        parts.append(line("whisker", at(low), middle, at(high), middle))
        message.append(f"interval {figure(low, (low, high))} to {figure(high, (low, high))}")
    parts.append(element("circle", class_="point", cx=at(value), cy=middle, r=4))
    return picture(f"interval {style}".strip(), WIDTH, HEIGHT, ", ".join(message), parts)


def shares(parts: Mapping[str, int]) -> Html | None:
    """A bar cut by how many rows each part has."""
    total = sum(parts.values())
    if not total:
        return None
    width, height, x = 640.0, 14.0, 0.0
    drawn = []
    for index, (name, rows) in enumerate(parts.items()):
        wide = width * rows / total
        title = element("title", f"{name}: {rows:,} rows")
        drawn.append(
            element("rect", title, class_=f"part part{index}", x=x, y=0, width=max(wide - 2, 1), height=height, rx=3)
        )
        x += wide
    return picture("shares", width, height, ", ".join(f"{name} {rows:,}" for name, rows in parts.items()), drawn)


def bins(counts: Sequence[int], ends: Sequence[float]) -> Html | None:
    """A small histogram; None without rows."""
    if not counts or not max(counts):
        return None
    width, height = 120.0, 26.0
    wide = width / len(counts)
    bars = [
        element(
            "rect",
            class_="part0",
            x=wide * i,
            y=height - (tall := height * count / max(counts)),
            width=wide - 1,
            height=tall,
        )
        for i, count in enumerate(counts)
    ]
    message = (
        f"rows in {len(counts)} equal bins from {figure(ends[0])} to {figure(ends[-1])}: {', '.join(map(str, counts))}"
    )
    return picture("bins", width, height, message, bars)


def curves(lines: Mapping[str, Sequence[float]], rounds: str) -> Html | None:
    """Values by round (``epoch``), a line each. None where no line has two points."""
    lines = {name: values for name, values in lines.items() if len(values) > 1}
    if not lines:
        return None
    width, height, left, bottom, right = 420.0, 190.0, 52.0, 24.0, 96.0
    every = [value for values in lines.values() for value in values]
    low, high = min(every), max(every)
    room = (high - low) or 1.0
    low, high = low - room * 0.05, high + room * 0.05
    longest = max(len(values) for values in lines.values())

    def across(index: int) -> float:
        return left + index / (longest - 1) * (width - left - right)

    def up(value: float) -> float:
        return 8 + (high - value) / (high - low) * (height - bottom - 8)

    parts: list[Html] = []
    for step in range(4):
        value = low + (high - low) * (step + 0.5) / 4
        parts.append(line("grid", left, up(value), width - right, up(value)))
        parts.append(label(figure(value, (low, high)), left - 8, up(value) + 4, "end"))
    ticks = sorted({0, longest // 2, longest - 1})
    parts.extend(label(str(index + 1), across(index), height - 6, "middle") for index in ticks)
    parts.append(label(rounds, width - right + 16, height - 6, "start"))
    ends = _apart([up(values[-1]) for values in lines.values()], 13)
    for index, ((name, values), end) in enumerate(zip(lines.items(), ends, strict=True)):
        points = " ".join(f"{number(across(i))},{number(up(value))}" for i, value in enumerate(values))
        parts.append(element("polyline", class_=f"curve curve{index % 4}", points=points))
        parts.append(label(name, across(len(values) - 1) + 8, end + 4, "start", f"curve{index % 4}"))
    message = "; ".join(
        f"{name}: {figure(v[0])} to {figure(v[-1])} over {len(v)} {rounds}s" for name, v in lines.items()
    )
    return picture("curves", width, height, message, parts)


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """The places moved so far apart that labels there don't overlap."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, after in itertools.pairwise(order):
        moved[after] = max(moved[after], moved[before] + gap)
    return moved


def picture(kind: str, width: float, height: float, message: str, parts: Sequence[Html]) -> Html:
    """An SVG that says in words what it shows."""
    box = f"0 0 {number(width)} {number(height)}"
    return element("svg", *parts, class_=kind, viewBox=box, width=width, height=height, role="img", aria_label=message)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Html:
    """A straight line."""
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def label(text: str, x: float, y: float, anchor: str, kind: str = "") -> Html:
    """Text at a place."""
    return element("text", text, class_=f"label {kind}".strip(), x=x, y=y, text_anchor=anchor)
