"""The page's sections about probabilities and decisions: calibration, confusion, cost and abstaining; what matters."""

from mlspec import formatting
from mlspec.report.facts.evaluation_facts import Abstaining, Decisions, Importance, Partial
from mlspec.report.facts.run import RunFacts
from mlspec.report.page import tradeoff
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.plot import Plot, bars, room
from mlspec.report.page.tables import Head, table

MOST_CLASSES = 20
MOST_BARS = 25


def decisions(facts: RunFacts) -> Html | None:
    """Reliability, confusion matrix, cost over thresholds, risk over coverage: all on the test rows."""
    found = facts.evaluation.decisions
    if found is None:
        return None
    cards = [_reliability(facts), _confusion(found), _cost(found), _abstention(found.abstention)]
    return element(
        "div",
        element("p", _text(facts, found), class_="note"),
        element("div", [element("div", card, class_="card pad") for card in cards if card], class_="columns"),
    )


def _text(facts: RunFacts, found: Decisions) -> str:
    text = "On the test rows. "
    if found.threshold is not None and found.costs is not None:
        text += (
            f"A row is predicted positive at a probability of at least {formatting.figure(found.threshold)}: the "
            "threshold of "
            f"lowest cost on the validation rows, where a false positive costs {found.costs['false_positive']:g} and a "
            f"false negative {found.costs['false_negative']:g}. "
        )
    elif facts.tradeoff is not None and tradeoff.decided(facts.tradeoff):
        text += f"{tradeoff.decided(facts.tradeoff)}. "
    else:
        text += "The decision is the most probable class. "
    if facts.evaluation.calibration is not None:
        text += f"Probabilities were recalibrated on the validation rows ({facts.evaluation.calibration}). "
    return text.rstrip()


def _reliability(facts: RunFacts) -> Child:
    bins = facts.evaluation.reliability
    if not bins:
        return None
    worst = max(bins, key=lambda entry: abs(entry.predicted - entry.observed))
    message = (
        f"{len(bins)} bins; largest difference: predicted {formatting.figure(worst.predicted)}, "
        f"observed {formatting.figure(worst.observed)}"
    )
    plot = Plot((0.0, 1.0), (0.0, 1.0), ("predicted probability", "observed frequency"), message)
    plot.curve([(0.0, 0.0), (1.0, 1.0)], "even")
    plot.curve([(entry.predicted, entry.observed) for entry in bins])
    for entry in bins:
        text = (
            f"predicted {formatting.figure(entry.predicted)}, observed {formatting.figure(entry.observed)}, "
            f"{entry.n:,} rows"
        )
        plot.point(entry.predicted, entry.observed, entry.low, entry.high, text)
    return [element("h3", "Calibration"), plot.drawn()]


def _confusion(found: Decisions) -> Child:
    size = len(found.confusion)
    if not size or size > MOST_CLASSES:
        return None
    names = found.classes if len(found.classes) == size else tuple(f"class {code}" for code in range(size))
    rows = []
    for code, (name, counts) in enumerate(zip(names, found.confusion, strict=True)):
        total = sum(counts)
        cells = [
            element(
                "td",
                f"{count:,}",
                element("br"),
                element("small", f"{count / total:.1%}" if total else "–"),
                class_="figure right" if index == code else "figure",
            )
            for index, count in enumerate(counts)
        ]
        rows.append(element("tr", element("th", name, scope="row"), cells))
    heads: list[Head] = ["actual ↓ predicted →", *((name, "figure") for name in names)]
    return [element("h3", "Confusion matrix"), table("Confusion matrix", heads, rows, card=False, kind="confusion")]


def _cost(found: Decisions) -> Child:
    if not found.cost_curve or found.threshold is None:
        return None
    costs = [cost for _, cost in found.cost_curve]
    least = min(found.cost_curve, key=lambda entry: entry[1])
    message = (
        f"cost per row by threshold, lowest {formatting.figure(least[1])} at {formatting.figure(least[0])}, chosen "
        f"{formatting.figure(found.threshold)}"
    )
    plot = Plot((0.0, 1.0), room(costs, floor=0.0), ("threshold", "cost per row"), message)
    plot.curve(found.cost_curve)
    plot.mark(min(found.threshold, 1.0), f"chosen {formatting.figure(found.threshold)}")
    return [element("h3", "Cost of errors"), plot.drawn()]


def _abstention(found: Abstaining) -> Child:
    if len(found.curve) < 2:
        return None
    risks = [risk for _, _, risk in found.curve]
    message = (
        f"error rate {formatting.figure(risks[0])} at the lowest coverage, {formatting.figure(risks[-1])} at "
        "full coverage"
    )
    plot = Plot((0.0, 1.0), room(risks, floor=0.0), ("coverage", "error rate"), message)
    plot.curve([(coverage, risk) for _, coverage, risk in found.curve])
    if found.below is not None and found.coverage is not None and found.coverage.value is not None:
        plot.mark(found.coverage.value, f"probability {found.below:g}")
    said = None
    if found.below is not None and found.coverage is not None and found.risk is not None:
        share = formatting.figure(found.coverage.value, (found.coverage.low, found.coverage.high))
        wrong = formatting.figure(found.risk.value, (found.risk.low, found.risk.high))
        said = element(
            "p",
            f"Predictions with a probability below {found.below:g} go to a person: coverage {share}, error rate "
            f"{wrong}.",
            class_="note",
        )
    return [element("h3", "Abstention (risk-coverage curve)"), plot.drawn(), said]


def importance(facts: RunFacts) -> Html | None:
    """What the selected model relies on, and how its answer moves with that."""
    found = facts.evaluation.importance
    if found is None or not found.columns:
        return None
    return element(
        "div",
        element("p", _relied(found), class_="note"),
        element("div", _bars(found), class_="card pad"),
        [element("h3", "Partial dependence")] if found.partial else None,
        element(
            "div",
            [element("div", _partial(p, found.predicts), class_="card pad") for p in found.partial],
            class_="columns",
        ),
    )


def _relied(found: Importance) -> str:
    text = (
        f"By how much {found.metric} gets worse when a column's values are shuffled among {found.rows:,} validation "
        f"rows: mean and spread of {found.repeats} repetitions. Correlated columns share their importance."
    )
    return text + (f" {formatting.count(found.left_out, 'more column')} not measured." if found.left_out else "")


def _bars(found: Importance) -> Html:
    shown = found.columns[:MOST_BARS]
    message = ", ".join(f"{entry.column} {formatting.figure(entry.value)}" for entry in shown)
    return bars([(entry.column, entry.value, entry.spread) for entry in shown], message)


def _partial(found: Partial, predicts: str | None) -> Child:
    answer = "mean prediction" if predicts is None else f"mean probability of {predicts}"
    numbers = [value for value in found.values if isinstance(value, float)]
    if found.ordered and len(numbers) == len(found.means) > 1:
        message = f"{answer} {formatting.figure(found.means[0])} to {formatting.figure(found.means[-1])}"
        plot = Plot((min(numbers), max(numbers)), room(found.means), (found.column, answer), message)
        plot.curve(list(zip(numbers, found.means, strict=True)))
        return [element("h3", found.column), plot.drawn()]
    entries = [(str(value), mean, 0.0) for value, mean in zip(found.values, found.means, strict=True)]
    message = ", ".join(f"{name} {formatting.figure(mean)}" for name, mean, _ in entries)
    return [element("h3", found.column), bars(entries, f"{answer}: {message}"), element("p", answer, class_="note")]
