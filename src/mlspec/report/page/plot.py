"""A plot of two numbers as inline SVG: lines, points with whiskers, marked places."""

from collections.abc import Sequence

from mlspec.formatting import figure
from mlspec.report.page.charts import label, line, picture
from mlspec.report.page.markup import Html, element, number

WIDTH, HEIGHT = 420.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 14.0, 26.0, 40.0
Point = tuple[float, float]


class Plot:
    """Axes over ranges of values, and what is drawn on them."""

    def __init__(self, across: Point, up: Point, names: tuple[str, str], caption: str) -> None:
        self.across, self.up, self.caption = across, up, caption
        self.parts: list[Html] = []
        for step in range(6):
            x, y = (low + (high - low) * step / 5 for low, high in (across, up))
            self.parts.append(line("grid", LEFT, self.y(y), WIDTH - RIGHT, self.y(y)))
            self.parts.append(label(_tick(y, up), LEFT - 8, self.y(y) + 4, "end"))
            text = _tick(x, across)
            # The last one may not reach beyond the picture.
            place = (WIDTH - 2, "end") if step == 5 and len(text) > 4 else (self.x(x), "middle")
            self.parts.append(label(text, place[0], HEIGHT - BOTTOM + 16, place[1]))
        self.parts.append(label(names[0], (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle"))
        self.parts.append(label(names[1], 4, 11, "start"))

    def x(self, value: float) -> float:
        """Pixels from the left."""
        low, high = self.across
        return LEFT + (value - low) / ((high - low) or 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        low, high = self.up
        return TOP + (high - value) / ((high - low) or 1.0) * (HEIGHT - BOTTOM - TOP)

    def curve(self, points: Sequence[Point], kind: str = "curve0") -> None:
        """A line through points."""
        text = " ".join(f"{number(self.x(x))},{number(self.y(y))}" for x, y in points)
        self.parts.append(element("polyline", class_=f"curve {kind}", points=text))

    def point(self, x: float, y: float, low: float, high: float, title: str) -> None:
        """A point with its interval."""
        self.parts.append(line("whisker", self.x(x), self.y(low), self.x(x), self.y(high)))
        self.parts.append(element("circle", element("title", title), class_="point", cx=self.x(x), cy=self.y(y), r=3.5))

    def mark(self, x: float, text: str) -> None:
        """An upright line with a word beside it, on the side with more room."""
        at, right = self.x(x), self.x(x) > WIDTH / 2
        self.parts.append(line("threshold", at, TOP, at, HEIGHT - BOTTOM))
        self.parts.append(label(text, at + (-6 if right else 6), TOP + 11, "end" if right else "start"))

    def drawn(self) -> Html:
        """The picture."""
        return picture("curves plot", WIDTH, HEIGHT, self.caption, self.parts)


def room(values: Sequence[float], *, floor: float | None = None) -> Point:
    """A range that holds the values with some room."""
    low, high = min(values), max(values)
    wide = (high - low) or abs(high) or 1.0
    return (low - wide * 0.08 if floor is None else floor), high + wide * 0.08


def bars(entries: Sequence[tuple[str, float, float]], caption: str) -> Html:
    """Lying bars from zero with their spread, a name before each; below zero to the left."""
    height, left, right = 22.0 * len(entries) + 8, 140.0, 62.0
    low = min(0.0, *(value - spread for _, value, spread in entries))
    high = max(1e-12, *(value + spread for _, value, spread in entries))

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * (WIDTH - left - right)

    parts: list[Html] = [line("grid", x(0), 0, x(0), height)]
    for index, (name, value, spread) in enumerate(entries):
        middle = 15.0 + 22.0 * index
        shown = name if len(name) <= 22 else f"{name[:21]}…"
        parts.append(label(shown, left - 10, middle + 4, "end"))
        start, end = sorted((x(0), x(value)))
        parts.append(element("rect", class_="part0", x=start, y=middle - 6, width=max(end - start, 1), height=12, rx=2))
        parts.append(line("whisker", x(value - spread), middle, x(value + spread), middle))
        parts.append(label(figure(value), x(max(value + spread, 0)) + 8, middle + 4, "start"))
    return picture("curves bars", WIDTH, height, caption, parts)


def _tick(value: float, ends: Point) -> str:
    spread = abs(ends[1] - ends[0])
    return figure(value, (0.0, spread)) if spread < 20 else f"{value:,.0f}"
