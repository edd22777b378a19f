"""A monitored model as one HTML page that needs nothing else: verdicts, and windows over time."""

import datetime
from importlib.resources import files

from mlspec import formatting
from mlspec.monitoring import shown
from mlspec.monitoring.findings import Finding, Monitored, Window
from mlspec.report.page.charts import interval
from mlspec.report.page.markup import Html, element
from mlspec.report.page.page import POLICY
from mlspec.report.page.plot import Plot, room
from mlspec.report.page.tables import Head, row, table

MOST_PLOTS = 24
OUTCOMES = {"pass": ("passed", "✓"), "fail": ("failed", "✗"), "unknown": ("unknown", "?")}
DAY = 86400.0


def page(found: Monitored) -> str:
    """The page."""
    kind, sign = OUTCOMES["fail" if found.alarms else found.verdict]
    style = (files("mlspec.report.page") / "page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("title", f"{found.candidate} in service: {shown.headline(found)}"),
        element("style", Html(style)),
    )
    status = element(
        "div",
        element("span", sign, class_="sign", aria_hidden="true"),
        element("span", shown.headline(found)),
        class_=f"outcome {kind}",
        role="status",
    )
    header = element(
        "header",
        element("h1", f"{found.candidate} in service"),
        element("p", shown.spans(found), class_="goal"),
        status,
    )
    sections = [
        ("Bounds", _bounds(found)),
        ("Windows over time", _history(found)),
        ("Slices of rows with labels", _slices(found)),
        ("Calibration of rows with labels", _calibration(found)),
        ("Log and labels", _notes(found)),
    ]
    main = element("main", [element("section", element("h2", name), body) for name, body in sections if body])
    body = element("body", header, main, element("footer", f"Package {found.model}."))
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _bounds(found: Monitored) -> Html:
    heads: list[Head] = ["verdict", "bound", "of", ("value", "figure"), "(chart)", ("n", "figure"), "reason"]
    return table("Bounds", heads, [_bound(one) for one in shown.ordered(found.findings)])


def _bound(one: Finding) -> Html:
    verdict = element("span", one.verdict, class_=f"verdict {one.verdict}")
    cells = [
        element("td", one.monitor),
        element("td", one.subject, class_="values"),
        element("td", shown.value(one), class_="figure"),
        element("td", interval(one.value, one.low, one.high, threshold=one.threshold)),
        element("td", f"{one.n:,}", class_="figure"),
        element("td", one.reason, class_="values"),
    ]
    return row(verdict, cells)


def _history(found: Monitored) -> Html | None:
    """A plot for each bound over the windows, those that fail now first."""
    windows = [*reversed(found.history), found.window]
    if len(windows) < 2:
        return None
    now = _days(found.window.end)
    plots = []
    for one in shown.ordered(found.window.findings)[:MOST_PLOTS]:
        drawn = _plot(one, windows, now)
        if drawn is not None:
            plots.append(element("div", element("h3", f"{one.monitor}: {one.subject}"), drawn, class_="card pad"))
    note = f"The last {len(windows)} windows; a line marks the bound."
    left = len(found.window.findings) - MOST_PLOTS
    note += f" {left:,} more bounds are not drawn." if left > 0 else ""
    return element("div", element("p", note, class_="note"), element("div", plots, class_="columns"))


def _plot(one: Finding, windows: list[Window], now: float) -> Html | None:
    points = []
    for window in windows:
        same = (found for found in window.findings if (found.monitor, found.subject) == (one.monitor, one.subject))
        here = next(same, None)
        if here is not None and here.value is not None:
            points.append((_days(window.end) - now, here, window))
    if len(points) < 2:
        return None
    ends = [end for _, here, _ in points for end in (here.value, here.low, here.high) if end is not None]
    bound = [] if one.threshold is None else [one.threshold]
    across = (points[0][0], max(points[-1][0], points[0][0] + 1e-6))
    plot = Plot(across, room([*ends, *bound]), ("days before now", one.unit or "value"), f"{one.monitor} over time")
    plot.curve([(at, here.value or 0.0) for at, here, _ in points])
    if one.threshold is not None:
        plot.curve([(across[0], one.threshold), (across[1], one.threshold)], "curve1")
    for at, here, window in points:
        value = here.value or 0.0
        low, high = (value if end is None else end for end in (here.low, here.high))
        title = f"{formatting.moment(window.end)}: {shown.value(here)}, {here.verdict}, {window.rows:,} rows"
        plot.point(at, value, low, high, title)
    return plot.drawn()


def _slices(found: Monitored) -> Html | None:
    if not found.slices:
        return None
    heads: list[Head] = ["slice", "metric", ("rows", "figure"), ("value", "figure"), "(chart)", ("test rows", "figure")]
    rows = []
    for part in found.slices:
        pairs = zip(part.columns, part.values, strict=True)
        near = (part.low, part.high)
        cells = [
            element("td", part.metric),
            element("td", f"{part.rows:,}", class_="figure"),
            element("td", formatting.figure(part.value, near), class_="figure"),
            element("td", interval(part.value, *near, threshold=part.before)),
            element("td", formatting.figure(part.before, near), class_="figure"),
        ]
        rows.append(row(", ".join(f"{name}: {value}" for name, value in pairs), cells))
    note = element("p", "Shown, not judged: among many slices some look bad by chance.", class_="note")
    return element("div", note, table("Slices", heads, rows))


def _calibration(found: Monitored) -> Html | None:
    if not found.calibration:
        return None
    plot = Plot((0.0, 1.0), (0.0, 1.0), ("predicted probability", "observed frequency"), "Calibration")
    plot.curve([(0.0, 0.0), (1.0, 1.0)], "curve1")
    for part in found.calibration:
        title = f"{part.predicted:.3f} predicted, {part.observed:.3f} observed, {part.n:,} rows"
        plot.point(part.predicted, part.observed, part.low, part.high, title)
    return element("div", plot.drawn(), class_="card pad")


def _days(time: str) -> float:
    return datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() / DAY


def _notes(found: Monitored) -> Html | None:
    lines = [element("li", line) for line in shown.notes(found)]
    return element("ul", lines) if lines else None
