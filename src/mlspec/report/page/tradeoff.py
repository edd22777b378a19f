"""The page's section about mitigation: the model without it and with it, side by side."""

from mlspec import formatting
from mlspec.report.facts.evaluation_facts import Estimate, Group
from mlspec.report.facts.run import RunFacts
from mlspec.report.facts.tradeoff_facts import ScorePair, Tradeoff
from mlspec.report.page import scaling
from mlspec.report.page.markup import Child, Html, element
from mlspec.report.page.plot import Plot, room
from mlspec.report.page.tables import figures, table

METHODS = {
    "reweighing": "training rows are weighted so that group and target look independent",
    "thresholds": "each group has a decision threshold of its own",
    "constrained": "models are fitted with a penalty on the difference",
}


def summary(found: Tradeoff) -> str:
    """Costs and benefits of the mitigation, a sentence without full stop."""
    name = found.metric or "demographic_parity_difference"
    before, after = found.before.differences.get(name), found.after.differences.get(name)
    text = f"Mitigation ({found.method} by {' and '.join(found.group)})"
    if before is not None and after is not None and before.value is not None and after.value is not None:
        near = (before.value, after.value)
        text += f": {name} {formatting.figure(before.value, near)} -> {formatting.figure(after.value, near)}"
    costly = [score for score in found.scores if score.gain.value is not None]
    if costly:
        by_name = {score.metric: score for score in costly}
        shown = by_name.get("expected_cost") or by_name.get("accuracy") or costly[0]
        both = (shown.before.value, shown.after.value)
        text += f", {shown.metric} {formatting.figure(both[0], both)} -> {formatting.figure(both[1], both)}"
    broken = "; no fitted model satisfies the bound" if found.kept is False else ""
    return f"{text}, on the validation rows{broken}"


def decided(found: Tradeoff) -> str:
    """What groups are decided by, where they have thresholds of their own: a sentence without full stop; or nothing."""
    if found.thresholds is None:
        return ""
    own = ", ".join(f"{name} from {formatting.figure(value)}" for name, value in found.thresholds.items())
    others = "" if found.common_threshold is None else f", others from {formatting.figure(found.common_threshold)}"
    return f"Decisions by {' and '.join(found.group)}: positive for {own}{others} on, chosen on the validation rows"


def lines(facts: RunFacts) -> list[str]:
    """Sentences about mitigation and the learning curve, without full stop."""
    found, sentences = facts.tradeoff, []
    if found is not None:
        sentences += [summary(found), decided(found)]
        sentences += [f"Lawful basis: {found.lawful_basis.rstrip('.')}"] if found.lawful_basis else []
    if facts.scaling is not None:
        sentences.append(scaling.summary(facts.scaling))
    return [line for line in sentences if line]


def tradeoff(facts: RunFacts) -> Html | None:
    """What was done, what it bought and cost, and what other bounds would have come to."""
    found = facts.tradeoff
    if found is None:
        return None
    return element(
        "div",
        element("p", _about(found), class_="note"),
        element("p", f"Lawful basis: {found.lawful_basis}") if found.lawful_basis else None,
        element("h3", "Quality"),
        table(
            "Quality without and with mitigation",
            ("metric", *figures("without", "with", "better by")),
            [_score(score) for score in found.scores],
        ),
        element("h3", "Differences between groups"),
        table(
            "Differences without and with mitigation",
            ("difference", *figures("without", "with")),
            [_difference(name, found) for name in found.after.differences],
        ),
        element("h3", "Groups"),
        _groups(found),
        _curve(found),
    )


def _about(found: Tradeoff) -> str:
    text = f"{found.method}: {METHODS[found.method]}. "
    if found.metric is not None and found.at_most is not None:
        text += f"Bound: {found.metric} at most {found.at_most:g}. "
    if found.kept is False:
        text += "No fitted model satisfies the bound; the one with the smallest difference was used. "
    text += f"On {found.rows:,} validation rows; intervals of {found.level:.0%} confidence. "
    if found.method == "thresholds":
        text += (
            "The thresholds were chosen on these same rows, so these figures are optimistic; the test rows give "
            "unbiased ones. "
        )
    return text.rstrip()


def _score(score: ScorePair) -> Html:
    near = (score.before.value, score.after.value)
    return element(
        "tr",
        element("th", score.metric, scope="row", class_="name"),
        element("td", formatting.figure(score.before.value, near), class_="figure"),
        _estimate(score.after),
        _estimate(score.gain),
    )


def _difference(name: str, found: Tradeoff) -> Html:
    return element(
        "tr",
        element("th", name, scope="row", class_="name"),
        _estimate(found.before.differences.get(name, Estimate())),
        _estimate(found.after.differences[name]),
    )


def _estimate(found: Estimate) -> Html:
    between = formatting.interval(found.low, found.high)
    text = formatting.figure(found.value, (found.low, found.high))
    return element("td", text, [element("br"), element("small", between)] if between else None, class_="figure")


def _groups(found: Tradeoff) -> Html:
    heads = (
        " and ".join(found.group),
        *figures("rows", "selection rate without", "with", "true positive rate without", "with", "threshold"),
    )
    before = {group.values: group for group in found.before.groups}
    return table("Groups without and with mitigation", heads, [_group(g, before, found) for g in found.after.groups])


def _group(group: Group, before: dict[tuple[str, ...], Group], found: Tradeoff) -> Html:
    was = before.get(group.values, group)
    rates = (was.selection_rate, group.selection_rate, was.true_positive_rate, group.true_positive_rate)
    own = (found.thresholds or {}).get(", ".join(group.values), found.common_threshold)
    return element(
        "tr",
        element("th", ", ".join(group.values), scope="row", class_="name"),
        element("td", f"{group.rows:,}", class_="figure"),
        [element("td", f"{count / n:.1%}" if n else "–", class_="figure") for count, n in rates],
        element("td", formatting.figure(own), class_="figure"),
    )


def _curve(found: Tradeoff) -> Child:
    points = [(point.difference, point.cost, point.bound) for point in found.curve if point.difference is not None]
    if len(points) < 2:
        return None
    points.sort(key=lambda entry: (entry[0], entry[1]))
    across = [difference for difference, _, _ in points]
    costs = [cost for _, cost, _ in points]
    text = (
        f"cost of errors per row from {formatting.figure(costs[-1])} at a difference of "
        f"{formatting.figure(across[-1])} to {formatting.figure(costs[0])} at {formatting.figure(across[0])}"
    )
    plot = Plot((0.0, max(across) * 1.05 or 1.0), room(costs), (found.metric or "difference", "cost per row"), text)
    best: list[tuple[float, float]] = []
    for difference, cost, _ in points:
        # Of the models that were fitted, only those are offered that none beats in both.
        if not best or cost < best[-1][1]:
            best.append((difference, cost))
    plot.curve(best)
    for difference, cost, bound in points:
        said = f"difference {formatting.figure(difference)}, cost {formatting.figure(cost)}"
        plot.point(difference, cost, cost, cost, said if bound is None else f"bound {bound:g}: {said}")
    if found.at_most is not None and found.at_most <= max(across) * 1.05:
        plot.mark(found.at_most, f"bound {found.at_most:g}")
    what = "Each point is a bound" if found.method == "thresholds" else "Each point is a fitted model"
    note = element("p", f"{what}; further left, the difference between groups is smaller.", class_="note")
    return [element("h3", "Costs at other bounds"), element("div", plot.drawn(), note, class_="card pad")]
