"""The page's section about parts of the test rows: slices, the worst ones, groups of people."""

from mlspec.report import words
from mlspec.report.charts import Scale, interval
from mlspec.report.evaluation_facts import Estimate, EvaluationFacts, Fairness, Group, Slice, Slicing, WorstSlices
from mlspec.report.facts import RunFacts
from mlspec.report.markup import Child, Html, element


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
            "The test rows in parts. Intervals are of each slice alone: of many slices some look bad by chance.",
            class_="note",
        )
        if found.slices
        else None,
        [_slicing(slicing, whole) for slicing in found.slices],
        None if found.worst_slices is None else _worst(found.worst_slices),
    )


def _slicing(slicing: Slicing, whole: dict[str, float]) -> Html:
    metrics = [name for name in whole if any(name in (part.metrics or ()) for part in slicing.slices)]
    heads = [element("th", " and ".join(slicing.columns)), element("th", "rows", class_="figure")]
    first = metrics[0] if metrics else ""
    scale = _scale(slicing.slices, first, whole)
    for metric in metrics:
        heads.append(element("th", metric, class_="figure"))
        if metric == first:
            heads.append(element("th", ""))
    return element(
        "div",
        element("h3", "By ", " and ".join(slicing.columns)),
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", heads)),
                element("tbody", [_slice(part, metrics, first, scale, whole) for part in slicing.slices]),
            ),
            class_="card",
        ),
    )


def _scale(parts: tuple[Slice, ...], metric: str, whole: dict[str, float]) -> Scale | None:
    every = [part.metrics[metric] for part in parts if part.metrics and metric in part.metrics]
    seen = [end for found in every for end in (found.value, found.low, found.high) if end is not None]
    return Scale([*seen, whole[metric]]) if seen and metric in whole else None


def _slice(part: Slice, metrics: list[str], first: str, scale: Scale | None, whole: dict[str, float]) -> Html:
    cells: list[Child] = [
        element("td", ", ".join(part.values), class_="name slice"),
        element("td", f"{part.rows:,}", class_="figure"),
    ]
    if part.metrics is None:
        few = element("td", element("small", "too few rows"), colspan=float(len(metrics) + 1) if metrics else None)
        return element("tr", cells, few)
    for metric in metrics:
        found = part.metrics.get(metric, Estimate())
        between = words.interval(found.low, found.high)
        text = words.figure(found.value, (found.low, found.high))
        cells.append(
            element("td", text, [element("br"), element("small", between)] if between else None, class_="figure")
        )
        if metric == first:
            chart = interval(found.value, found.low, found.high, threshold=whole.get(metric), scale=scale)
            cells.append(element("td", chart if scale is not None else None))
    return element("tr", cells)


def _worst(found: WorstSlices) -> Html:
    proven = [part for part in found.slices if part.low > 0]
    told = (
        f"{found.looked_at:,} parts by one and by two columns were looked at for the {found.error}; intervals of "
        f"{found.level:.0%} confidence hold for all of them at once. "
        + ("" if proven else "None is shown to be worse than the rest.")
    )
    heads = (("part", None), ("rows", "figure"), ("mean error", "figure"), ("elsewhere", "figure"), ("more", "figure"))
    rows = [
        element(
            "tr",
            element(
                "td",
                " and ".join(f"{name}: {value}" for name, value in zip(part.columns, part.values, strict=True)),
                class_="name",
            ),
            element("td", f"{part.rows:,}", class_="figure"),
            element("td", words.figure(part.mean), class_="figure"),
            element("td", words.figure(part.rest), class_="figure"),
            element(
                "td",
                words.figure(part.difference, (part.low, part.high)),
                element("br"),
                element("small", words.interval(part.low, part.high)),
                class_="figure",
            ),
        )
        for part in proven
    ]
    table = element(
        "table",
        element("thead", element("tr", [element("th", name, class_=kind) for name, kind in heads])),
        element("tbody", rows),
    )
    return element(
        "div",
        element("h3", "Where it errs most"),
        element("p", told, class_="note"),
        element("div", table, class_="card") if rows else None,
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
        "How often each group is called positive: of all its rows, of its positives, of its negatives. Intervals of "
        "the differences hold for all pairs of groups at once."
    )
    return element("div", element("p", note, class_="note"), [_grouping(name, e) for name, e in by_group.items()])


def _grouping(columns: tuple[str, ...], entries: list[Fairness]) -> Html:
    heads = (
        (" and ".join(columns), None),
        ("rows", "figure"),
        ("selected", "figure"),
        ("positives found", "figure"),
        ("negatives called positive", "figure"),
    )
    return element(
        "div",
        element("h3", "By ", " and ".join(columns)),
        element(
            "div",
            element(
                "table",
                element("thead", element("tr", [element("th", name, class_=kind) for name, kind in heads])),
                element("tbody", [_group(group) for group in entries[0].groups]),
            ),
            class_="card",
        ),
        [element("p", _told(entry), class_="note") for entry in entries],
    )


def _told(entry: Fairness) -> str:
    between = words.interval(entry.low, entry.high)
    text = f"{entry.metric}: {words.figure(entry.value, (entry.low, entry.high))} {between}".rstrip()
    if entry.pair is not None:
        text += f", between {' and '.join(', '.join(group) for group in entry.pair)}"
    if entry.too_few:
        text += f"; too few rows: {'; '.join(', '.join(group) for group in entry.too_few)}"
    return f"{text}."


def _group(group: Group) -> Html:
    rates = (group.selection_rate, group.true_positive_rate, group.false_positive_rate)
    return element(
        "tr",
        element("td", ", ".join(group.values), class_="name"),
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
