"""Checks of the rows that a model will be fitted on, with small models on few rows.

Two splits are compared by a model that predicts which of them a row comes from (adversarial validation, as in Friedman
2003); what a feature knows is the share of the target's uncertainty that it takes away by itself.
"""

from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from mlspec.steps.diagnosis import advice, labels, near_duplicates
from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.diagnosis.matrix import known as known_values
from mlspec.steps.diagnosis.matrix import matrix

Array = np.ndarray[Any, Any]

FIT_ROWS, SCORE_ROWS, DRIFT_ROWS = 4000, 2000, 2000
NEAR_ROWS, NEAR_OTHERS = 60_000, 5000
SUSPECT = 0.6  # what a feature must know by itself to be looked at further
FEWEST = 30
RARE = 5  # rows of other classes than the most frequent one


def examine(
    train: "pl.DataFrame",
    other: "pl.DataFrame",
    target: "Array | None",
    other_target: "Array | None",
    classes: int,
    spec: advice.Spec = advice.Spec(),  # noqa: B008  a frozen value
) -> list[Check]:
    """All checks of training rows against other rows, both with the same columns (features alone).

    The targets (n,) are class codes or values, None where they are not to be looked at; ``classes`` is 0 for
    regression. ``spec``: what advice has to fit.
    """
    found = [_twins(train, other)]
    twins = near_duplicates.near(train[:NEAR_ROWS], other[:NEAR_OTHERS], exact_is_told=found[0].fails)
    features, others = matrix(train, other)
    found.append(_drift(features, others, train.columns))
    if target is not None and other_target is not None:
        found += _target(features, others, target, other_target, classes, train, spec)
    # Last, because it most often has an innocent cause.
    return [*found, twins]


def _twins(train: "pl.DataFrame", other: "pl.DataFrame") -> Check:
    """Rows that are in both, beyond those that happen to be alike: training rows have duplicates among themselves
    too."""
    hashes, others = train.hash_rows(seed=0), other.hash_rows(seed=0)
    counts = pl.DataFrame({"hash": hashes}).group_by("hash").len()
    shared = others.is_in(counts["hash"].implode()).mean()
    # A training row has a duplicate if its hash occurs twice.
    twins = counts.filter(pl.col("len") > 1).select(pl.col("len").sum()).item()
    natural = float(twins) / max(1, len(hashes))
    share = float(shared) if isinstance(shared, int | float) else 0.0
    spread = (max(natural * (1 - natural), 1e-4) / max(1, len(others))) ** 0.5
    # One or two equal rows can always occur by chance.
    fails = share - natural > max(0.01, 4 * spread, 2.5 / max(1, len(others)))
    return Check(
        check="duplicates",
        measured=f"{share:.1%} of the rows also occur among the training rows",
        expected=f"about {natural:.1%}, the share of duplicates within the training rows",
        fails=fails,
        advice="remove duplicates before splitting, or keep them together: data.split: {by: group, column: ...} on "
        "what they have in common; if new rows also repeat old ones, model.accept: {duplicates: WHY}",
        leak="training rows also occur in other parts" if fails else "",
    )


def _drift(features: "Array", others: "Array", names: list[str]) -> Check:
    """How well a model distinguishes the two: area under the ROC curve, each half judged by a model of the other."""
    count = min(len(features), len(others), DRIFT_ROWS)
    if count < FEWEST:
        return Check(check="drift", measured=f"{count} rows are too few", expected="no model can distinguish the rows")
    random = np.random.Generator(np.random.PCG64(0))
    rows = np.concatenate([side[random.permutation(len(side))[:count]] for side in (features, others)])
    came = np.repeat([0, 1], count)
    half = np.tile(np.arange(count) % 2, 2)
    predicted = np.empty(len(rows))
    for part in (0, 1):
        model = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=8, early_stopping=False, random_state=0)
        model.fit(known_values(rows[half != part]), came[half != part])
        predicted[half == part] = model.predict_proba(rows[half == part])[:, 1]
    area = float(roc_auc_score(came, predicted))
    # Hanley and McNeil (1982), for indistinguishable rows.
    spread = ((2 * count + 1) / (12 * count * count)) ** 0.5
    worst = max(range(len(names)), key=lambda index: _apart(rows[:count, index], rows[count:, index]))
    return Check(
        check="drift",
        measured=f"a model distinguishes them from training rows with a ROC AUC of {area:.2f}"
        + (f", mainly by '{names[worst]}'" if area > 0.6 else ""),
        expected="about 0.50",
        fails=area > 0.6 and area - 0.5 > 4 * spread,
        advice="these rows differ from the training rows: check how they were sampled, and units and codes; if they "
        "differ by time, data.split: {by: time, column: ...}; if this is expected, model.accept: {drift: WHY}",
    )


def _apart(one: "Array", other: "Array") -> float:
    """The greatest distance of two distribution functions (Kolmogorov and Smirnov), missing values as one end."""
    one, other = (np.sort(np.where(np.isnan(values), -np.inf, values)) for values in (one, other))
    every = np.concatenate([one, other])
    gaps = np.searchsorted(one, every, side="right") / len(one) - np.searchsorted(other, every, side="right") / len(
        other
    )
    return float(np.abs(gaps).max())


def _target(
    features: "Array",
    others: "Array",
    target: "Array",
    other_target: "Array",
    classes: int,
    rows: "pl.DataFrame",
    spec: advice.Spec,
) -> list[Check]:
    random = np.random.Generator(np.random.PCG64(1))
    chosen = random.permutation(len(features))[:FIT_ROWS]
    judged = random.permutation(len(others))[:SCORE_ROWS]
    x, y, other_x, other_y = features[chosen], target[chosen], others[judged], other_target[judged]
    if len(np.unique(y)) < 2:
        constant = "every training row has the same target"
        return [Check(check="target", measured=constant, expected="it varies", fails=True, advice="check the target")]
    if len(other_y) < FEWEST or (classes and len(other_y) - np.bincount(other_y).max() < RARE):
        # Too few to judge by: a third of all rows.
        every, outcome = np.concatenate([x, other_x]), np.concatenate([y, other_y])
        order = random.permutation(len(outcome))
        cut = len(outcome) * 2 // 3
        x, y, other_x, other_y = every[order[:cut]], outcome[order[:cut]], every[order[cut:]], outcome[order[cut:]]
    if min(len(y), len(other_y)) < FEWEST or len(np.unique(y)) < 2:
        return [Check(check="labels", measured="the rows are too few", expected="the features explain the target")]
    return [labels.labels(x, other_x, y, other_y, classes), _leak(x, other_x, y, other_y, classes, rows, spec)]


def _leak(
    features: "Array",
    others: "Array",
    target: "Array",
    truth: "Array",
    classes: int,
    rows: "pl.DataFrame",
    spec: advice.Spec,
) -> Check:
    names, known = rows.columns, alone(features, others, target, truth, classes)
    best = int(np.argmax(known))
    rest = float("-inf")
    if known[best] >= SUSPECT and len(names) > 1:
        others_only = [k for k in range(len(names)) if k != best]
        rest = explained(features[:, others_only], others[:, others_only], target, truth, classes)
    rarer = len(truth) - np.bincount(truth).max() if classes else RARE
    suspect = known[best] >= SUSPECT and (1 - known[best]) <= 0.6 * (1 - max(rest, 0.0)) and rarer >= RARE
    against = f", all others together {max(rest, 0.0):.0%}" if rest > float("-inf") else ""
    what = "entropy" if classes else "variance"
    return Check(
        check="leak",
        measured=f"'{names[best]}' alone explains {max(known[best], 0.0):.0%} of the target's {what}{against}",
        expected="no feature predicts the target far better than all others",
        fails=bool(suspect),
        advice=advice.leak(spec, rows[names[best]]),
        leak=f"'{names[best]}' alone tells the target" if suspect else "",
    )


def alone(features: "Array", others: "Array", target: "Array", truth: "Array", classes: int) -> list[float]:
    """The share of the target's uncertainty that each feature takes away by itself, in other rows."""
    columns = range(features.shape[1])
    predicted = (_binned(features[:, k], others[:, k], target, classes) for k in columns)
    return [_known(found, truth, target, classes) for found in predicted]


def _binned(values: "Array", other: "Array", target: "Array", classes: int) -> "Array":
    """The target as predicted by one column: smoothed means, or shares of classes, over its values or 32 quantiles."""
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    edges = distinct[:-1] if len(distinct) <= 64 else np.unique(np.quantile(known, np.linspace(0, 1, 33)[1:-1]))
    cells = [np.where(np.isnan(side), len(edges) + 1, np.searchsorted(edges, side)) for side in (values, other)]
    outcome = np.eye(classes)[target] if classes else target[:, None]
    prior = outcome.mean(axis=0)
    count = np.bincount(cells[0], minlength=len(edges) + 2).astype(np.float64)
    total = np.stack(
        [np.bincount(cells[0], weights=outcome[:, k], minlength=len(edges) + 2) for k in range(outcome.shape[1])],
        axis=1,
    )
    means = (total + prior) / (count + 1)[:, None]
    predicted: Array = means[cells[1]]
    return predicted


def _known(predicted: "Array", truth: "Array", target: "Array", classes: int) -> float:
    """The share of the target's uncertainty that a prediction takes away: of the entropy, or of the variance."""
    return float(_gain(predicted, truth, target, classes).mean())


def _gain(predicted: "Array", truth: "Array", target: "Array", classes: int) -> "Array":
    if classes:
        prior = np.bincount(target, minlength=classes) / len(target)
        index = np.arange(len(truth))
        losses = -np.log(np.clip(predicted[index, truth], 1e-6, None))
        before = -np.log(np.clip(prior[truth], 1e-6, None))
    else:
        losses, before = (predicted[:, 0] - truth) ** 2, (target.mean() - truth) ** 2
    return np.asarray((before - losses) / max(before.mean(), 1e-12))


def explained(features: "Array", others: "Array", target: "Array", truth: "Array", classes: int) -> float:
    """What a small model of all columns knows of other rows' target."""
    return float(_gain(labels.trees(features, others, target, classes), truth, target, classes).mean())
