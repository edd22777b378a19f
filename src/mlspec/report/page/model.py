"""The page's sections about models: the scores of the selected one, the candidates, and what using it takes."""

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.run import Candidate, RunFacts, Score
from mlspec.report.page.charts import Scale, curves, interval
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.tables import Head, table


def scores(facts: RunFacts) -> Html | None:
    """The selected model on the test rows, with baselines beside each metric."""
    missing = [element("p", f"{text}.", class_="note") for text in sentences.unmeasured(facts)]
    if not facts.scores:
        return element("div", missing) if missing else None
    baselines = list(dict.fromkeys(name for score in facts.scores for name in score.baselines))
    level = next((score.level for score in facts.scores if score.level), None)
    rows = next((score.n for score in facts.scores if score.n), None)
    message = [
        f"{facts.selected} was chosen by {facts.selected_by} on the {facts.selected_on}. " if facts.selected else ""
    ]
    message.append(
        f"Measured on {rows:,} test rows that were used neither for training nor for selection"
        if rows
        else "Measured on the test rows"
    )
    message.append(f"; intervals of {level:.0%} confidence." if level else ".")
    message.append(f" {sentences.one_seed(facts)}." if sentences.one_seed(facts) else "")
    heads: list[Head] = ["metric", ("value", "figure"), "(chart)"]
    for name in baselines:
        heads += [(name, "figure"), ("better by", "figure")]
    return element(
        "div",
        element("p", "".join(message), class_="note"),
        table("Metrics on the test rows", heads, [_score(score, baselines) for score in facts.scores]),
        missing,
    )


def _about(score: Score) -> str:
    text = "higher is better" if score.greater_is_better else "lower is better"
    return text if score.threshold is None else f"{text}; at the threshold {formatting.figure(score.threshold)}"


def _score(score: Score, baselines: list[str]) -> Html:
    cells: list[Child] = []
    for name in baselines:
        cells.append(element("td", formatting.figure(score.baselines.get(name)), class_="figure"))
        better = score.differences.get(name)
        if better is None:
            cells.append(element("td", "–", class_="figure"))
            continue
        between = formatting.interval(better.low, better.high)
        text = formatting.figure(better.value, (better.low, better.high))
        cells.append(
            element("td", text, [element("br"), element("small", between)] if between else None, class_="figure")
        )
    return element(
        "tr",
        element(
            "th",
            element("span", score.metric, class_="name"),
            element("br"),
            element("small", _about(score)),
            [element("br"), element("small", spread)]
            if (spread := formatting.seeds(score.seeds, score.metric))
            else None,
            scope="row",
        ),
        element("td", _with_interval(score), class_="figure"),
        element("td", interval(score.value, score.low, score.high, marks=score.baselines), class_="chart"),
        cells,
    )


def candidates(facts: RunFacts) -> Html | None:
    """Every candidate on the validation rows, and how its training went."""
    if not facts.candidates:
        return None
    metrics = list(dict.fromkeys(score.metric for candidate in facts.candidates for score in candidate.scores))
    by = facts.selected_by if facts.selected_by in metrics else next(iter(metrics), None)
    ends = [
        end
        for candidate in facts.candidates
        for score in candidate.scores
        if score.metric == by
        for end in (score.value, score.low, score.high)
        if end is not None
    ]
    scale = Scale(ends) if ends else None
    heads: list[Head] = ["candidate"]
    for metric in metrics:
        heads.append((metric, "figure"))
        if metric == by:
            heads.append("(chart)")
    heads.append(("training", "figure"))
    drawn = [
        (candidate.name, chart)
        for candidate in facts.candidates
        if (chart := curves(candidate.curves, candidate.rounds)) is not None
    ]
    return element(
        "div",
        element(
            "p",
            f"Measured on the {facts.selected_on}, which decide the selection; the test rows are not used here.",
            class_="note",
        ),
        element("p", _reason(facts)) if facts.evaluation.selection_reason else None,
        table("Candidates", heads, [_candidate(candidate, metrics, by, scale) for candidate in facts.candidates]),
        [element("h3", "Training")] if drawn else None,
        element(
            "div",
            [element("div", element("h3", name), chart, class_="card pad") for name, chart in drawn],
            class_="columns",
        )
        if drawn
        else None,
    )


def _reason(facts: RunFacts) -> str:
    """Why this candidate, and how far behind the best the others are."""
    found = facts.evaluation
    behind = []
    for name, apart in found.differences.items():
        if apart.value:
            between = formatting.interval(apart.low, apart.high)
            behind.append(f"{name} by {formatting.figure(apart.value, (apart.low, apart.high))} {between}".rstrip())
    text = f"{found.selection_reason}."
    return f"{text} Difference to the best on the same rows: {', '.join(behind)}." if behind else text


def _candidate(candidate: Candidate, metrics: list[str], by: str | None, scale: Scale | None) -> Html:
    found = {score.metric: score for score in candidate.scores}
    settings = ", ".join(f"{name}: {value}" for name, value in candidate.settings.items())
    cells: list[Child] = []
    for metric in metrics:
        score = found.get(metric)
        cells.append(element("td", *(["–"] if score is None else _with_interval(score)), class_="figure"))
        if metric == by:
            chart = None if score is None else interval(score.value, score.low, score.high, scale=scale)
            cells.append(element("td", chart, class_="chart"))
    return element(
        "tr",
        element(
            "th",
            element("span", candidate.name, class_="name"),
            element("small", " selected") if candidate.selected else None,
            element("br"),
            element("small", candidate.model, f" ({settings})" if settings else ""),
            [[element("br"), element("small", f"note: {note}")] for note in candidate.notes],
            [element("br"), element("small", message)]
            if (message := formatting.seeds(candidate.seeds, by or ""))
            else None,
            scope="row",
        ),
        cells,
        element("td", formatting.seconds(candidate.seconds), class_="figure"),
        class_="chosen" if candidate.selected else None,
    )


def _with_interval(score: Score) -> list[Child]:
    between = formatting.interval(score.low, score.high)
    text = formatting.figure(score.value, (score.low, score.high))
    return [text, element("br"), element("small", between)] if between else [text]


def in_use(facts: RunFacts) -> Html | None:
    """How long a prediction takes and how big the model is."""
    pairs: list[tuple[str, str]] = []
    if facts.latency is not None:
        latency = facts.latency
        quantiles = ", ".join(
            f"{name} {formatting.seconds(latency[name])}" for name in ("p50", "p95", "p99") if name in latency
        )
        pairs.append(("latency", f"{quantiles} ({formatting.count(int(latency.get('batch', 1)), 'row')} at a time)"))
        pairs.append(
            ("measured", f"{formatting.count(int(latency['n']), 'time')} on {latency.get('machine', 'this machine')}")
        )
    if facts.size is not None:
        pairs.append(("exported model", formatting.size(float(facts.size["bytes"]))))
    if facts.model is not None:
        pairs.append(("path", facts.model))
    if not pairs:
        return None
    return element(
        "div", element("dl", [[element("dt", name), element("dd", text)] for name, text in pairs]), class_="card pad"
    )
