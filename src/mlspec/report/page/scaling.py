"""The page's section about the learning curve, and its extrapolation to more rows."""

import math

from mlspec import formatting
from mlspec.report.facts.run import RunFacts
from mlspec.report.facts.scaling_facts import Forecast, ScalingFacts
from mlspec.report.page.markup import Html, element
from mlspec.report.page.plot import Plot, room
from mlspec.report.page.tables import figures, table


def summary(found: ScalingFacts) -> str:
    """The effect of more rows, or why it is unknown: a sentence without full stop."""
    if found.verdict == "unknown" or not found.forecasts:
        return f"Learning curve: the effect of more training rows is unknown: {found.reason}"
    ahead = found.forecasts[0]
    said = f"{_times(ahead)} the training rows ({ahead.rows:,})"
    gain = formatting.figure(ahead.gain.value, (ahead.gain.low, ahead.gain.high))
    between = formatting.interval(ahead.gain.low, ahead.gain.high)
    if found.verdict == "flat":
        return f"Learning curve: flat; {said} would improve {found.metric} by about {gain} {between}"
    value = formatting.figure(ahead.value, (ahead.low, ahead.high))
    return (
        f"Learning curve: {said} would bring {found.metric} to about {value} "
        f"{formatting.interval(ahead.low, ahead.high)}, "
        f"an improvement of {gain} {between}"
    )


def scaling(facts: RunFacts) -> Html | None:
    """The points, the curve with its interval, the forecasts."""
    found = facts.scaling
    if found is None:
        return None
    return element(
        "div",
        element("p", f"{summary(found)}."),
        element("p", _about(found), class_="note"),
        element("div", _plot(found), class_="card pad") if found.curve else None,
        table(
            "Shares of the training rows",
            ("share", *figures("rows", f"mean {found.metric}", "repetitions")),
            [
                element(
                    "tr",
                    element("th", f"{point.fraction:.4g}", scope="row"),
                    element("td", f"{point.rows:,}", class_="figure"),
                    element("td", formatting.figure(point.value, point.values), class_="figure"),
                    element("td", ", ".join(formatting.figure(v, point.values) for v in point.values), class_="figure"),
                )
                for point in found.points
            ],
        ),
        table(
            "Extrapolation to more rows",
            ("more rows", *figures("rows", found.metric, "better by")),
            [_forecast(ahead) for ahead in found.forecasts],
        )
        if found.forecasts
        else None,
    )


def _about(found: ScalingFacts) -> str:
    text = (
        "The selected candidate, prepared and fitted on shares of the training rows and scored on the validation rows, "
        "which are the same throughout: the interval does not include the sampling error of the validation rows. "
    )
    if found.law is not None:
        error = (
            found.metric if found.law.best is None or found.law.best == 0 else f"{found.law.best:g} - {found.metric}"
        )
        text += (
            f"Fitted: {error} = {found.law.a:.3g} + {found.law.b:.3g} n^-{found.law.c:.3g}; intervals of "
            f"{found.level:.0%} confidence from the repetitions. Ten times the rows is far outside the measured range."
        )
    return text


def _times(ahead: Forecast) -> str:
    return "Twice" if ahead.times == 2 else f"{ahead.times:g} times"


def _forecast(ahead: Forecast) -> Html:
    def cell(value: float | None, low: float | None, high: float | None) -> Html:
        between = formatting.interval(low, high)
        text = formatting.figure(value, (low, high))
        return element("td", text, [element("br"), element("small", between)] if between else None, class_="figure")

    return element(
        "tr",
        element("th", f"{ahead.times:g} times", scope="row"),
        element("td", f"{ahead.rows:,}", class_="figure"),
        cell(ahead.value, ahead.low, ahead.high),
        cell(ahead.gain.value, ahead.gain.low, ahead.gain.high),
    )


def _plot(found: ScalingFacts) -> Html:
    every = [end for point in found.curve for end in (point.low, point.high)]
    every += [value for point in found.points for value in point.values]
    across = [math.log10(point.rows) for point in found.curve]
    ends = f"{formatting.figure(found.points[0].value)} with {found.points[0].rows:,} rows"
    text = f"{found.metric}: {ends}, {formatting.figure(found.points[-1].value)} with {found.points[-1].rows:,}"
    plot = Plot((across[0], across[-1]), room(every), ("training rows, powers of ten", found.metric), text)
    plot.curve([(x, point.value) for x, point in zip(across, found.curve, strict=True)])
    plot.curve([(x, point.low) for x, point in zip(across, found.curve, strict=True)], "even")
    plot.curve([(x, point.high) for x, point in zip(across, found.curve, strict=True)], "even")
    for share in found.points:
        said = f"{share.rows:,} rows: {formatting.figure(share.value, share.values)}"
        plot.point(math.log10(share.rows), share.value, min(share.values), max(share.values), said)
    plot.mark(math.log10(found.points[-1].rows), "all rows")
    return plot.drawn()
