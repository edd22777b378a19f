"""The page's section about parts of the test rows: slices, the worst ones, groups of people."""

from mlspec import formatting
from mlspec.report.facts.evaluation_facts import Estimate, EvaluationFacts, Fairness, Group, Slice, Slicing, WorstSlices
from mlspec.report.facts.run import RunFacts
from mlspec.report.page.charts import Scale, interval
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.tables import Head, figures, table


def slices(facts: RunFacts) -> Html | None:
    """Every metric in every slice, and where the model errs most."""
    found: EvaluationFacts = facts.evaluation
    if not found.slices and found.worst_slices is None:
        return None
    whole = {score.metric: score.value for score in facts.scores}
    return element(
        "div",
        element(
            "p",
            "Slices of the test rows. Each interval holds for its slice alone: among many slices some look bad by "
            "chance.",
            class_="note",
        )
        if found.slices
        else None,
        [_slicing(slicing, whole) for slicing in found.slices],
        None if found.worst_slices is None else _worst(found.worst_slices),
    )


def _slicing(slicing: Slicing, whole: dict[str, float]) -> Html:
    metrics = [name for name in whole if any(name in (part.metrics or ()) for part in slicing.slices)]
    heads: list[Head] = [" and ".join(slicing.columns), ("rows", "figure")]
    first = metrics[0] if metrics else ""
    scale = _scale(slicing.slices, first, whole)
    for metric in metrics:
        heads.append((metric, "figure"))
        if metric == first:
            heads.append("(chart)")
    return element(
        "div",
        element("h3", "By ", " and ".join(slicing.columns)),
        table(
            f"Slices by {' and '.join(slicing.columns)}",
            heads,
            [_slice(part, metrics, first, scale, whole) for part in slicing.slices],
        ),
    )


def _scale(parts: tuple[Slice, ...], metric: str, whole: dict[str, float]) -> Scale | None:
    every = [part.metrics[metric] for part in parts if part.metrics and metric in part.metrics]
    seen = [end for found in every for end in (found.value, found.low, found.high) if end is not None]
    return Scale([*seen, whole[metric]]) if seen and metric in whole else None


def _slice(part: Slice, metrics: list[str], first: str, scale: Scale | None, whole: dict[str, float]) -> Html:
    cells: list[Child] = [
        element("th", ", ".join(part.values), scope="row", class_="name slice"),
        element("td", f"{part.rows:,}", class_="figure"),
    ]
    if part.metrics is None:
        few = element("td", element("small", "too few rows"), colspan=float(len(metrics) + 1) if metrics else None)
        return element("tr", cells, few)
    for metric in metrics:
        found = part.metrics.get(metric, Estimate())
        between = formatting.interval(found.low, found.high)
        text = formatting.figure(found.value, (found.low, found.high))
        cells.append(
            element("td", text, [element("br"), element("small", between)] if between else None, class_="figure")
        )
        if metric == first:
            chart = interval(found.value, found.low, found.high, threshold=whole.get(metric), scale=scale)
            cells.append(element("td", chart if scale is not None else None, class_="chart"))
    return element("tr", cells)


def _worst(found: WorstSlices) -> Html:
    proven = [part for part in found.slices if part.low > 0]
    message = (
        f"{found.looked_at:,} slices by one and by two columns were compared by {found.error}; intervals of "
        f"{found.level:.0%} confidence hold for all of them together. "
        + ("" if proven else "No slice is shown to be worse than the rest.")
    )
    heads = ("part", *figures("rows", "mean error", "elsewhere", "more"))
    rows = [
        element(
            "tr",
            element(
                "th",
                " and ".join(f"{name}: {value}" for name, value in zip(part.columns, part.values, strict=True)),
                scope="row",
                class_="name",
            ),
            element("td", f"{part.rows:,}", class_="figure"),
            element("td", formatting.figure(part.mean), class_="figure"),
            element("td", formatting.figure(part.rest), class_="figure"),
            element(
                "td",
                formatting.figure(part.difference, (part.low, part.high)),
                element("br"),
                element("small", formatting.interval(part.low, part.high)),
                class_="figure",
            ),
        )
        for part in proven
    ]
    return element(
        "div",
        element("h3", "Slices with the most errors"),
        element("p", message, class_="note"),
        table("Slices with the most errors", heads, rows) if rows else None,
    )


def fairness(facts: RunFacts) -> Html | None:
    """The groups of each measured grouping with their rates, and how far apart the furthest two are."""
    found = facts.evaluation.fairness
    if not found:
        return None
    by_group: dict[tuple[str, ...], list[Fairness]] = {}
    for entry in found:
        by_group.setdefault(entry.group, []).append(entry)
    note = (
        "Selection rate, true positive rate and false positive rate of each group. Intervals of "
        "the differences hold for all pairs of groups together."
    )
    return element("div", element("p", note, class_="note"), [_grouping(name, e) for name, e in by_group.items()])


def _grouping(columns: tuple[str, ...], entries: list[Fairness]) -> Html:
    rates = figures("rows", "selected", "true positive rate", "false positive rate")
    by = " and ".join(columns)
    return element(
        "div",
        element("h3", "By ", by),
        table(f"Groups by {by}", [by, *rates], [_group(g) for g in entries[0].groups]),
        [element("p", _text(entry), class_="note") for entry in entries],
    )


def _text(entry: Fairness) -> str:
    between = formatting.interval(entry.low, entry.high)
    text = f"{entry.metric}: {formatting.figure(entry.value, (entry.low, entry.high))} {between}".rstrip()
    if entry.pair is not None:
        text += f", between {' and '.join(', '.join(group) for group in entry.pair)}"
    if entry.too_few:
        text += f"; too few rows: {'; '.join(', '.join(group) for group in entry.too_few)}"
    return f"{text}."


def _group(group: Group) -> Html:
    rates = (group.selection_rate, group.true_positive_rate, group.false_positive_rate)
    return element(
        "tr",
        element("th", ", ".join(group.values), scope="row", class_="name"),
        element("td", f"{group.rows:,}", class_="figure"),
        [
            element(
                "td",
                f"{count / n:.1%}" if n else "–",
                element("br"),
                element("small", f"{count:,} of {n:,}"),
                class_="figure",
            )
            for count, n in rates
        ],
    )
