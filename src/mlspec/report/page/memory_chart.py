"""What a step had of memory for itself while it ran, beside what the backend allows, as a small picture."""

from collections.abc import Sequence

from mlspec import formatting
from mlspec.report.page.charts import line, picture
from mlspec.report.page.markup import Html, element, number


def over_time(own: Sequence[int], every: float, limit: int | None, width: float = 150.0, height: float = 34.0) -> Html:
    """Bytes that were seen ``every`` so many seconds, from nothing up to the limit or the most that was seen."""
    top = max(*own, limit or 0) * 1.08
    points = [(width * i / max(1, len(own) - 1), height * (1 - value / top)) for i, value in enumerate(own)]
    edge = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    text = f"at most {formatting.size(max(own))} over {formatting.seconds(every * (len(own) - 1))}"
    parts = [
        element("polygon", class_="held", points=f"0,{number(height)} {edge} {number(width)},{number(height)}"),
        element("polyline", class_="curve curve0", points=edge),
    ]
    if limit is not None:
        at = height * (1 - limit / top)
        parts.append(line("threshold", 0, at, width, at))
        text += f"; limit {formatting.size(limit)}"
    return picture("memory", width, height, text, parts)
