"""Whether the features say anything about the target: a statistic of other rows with its interval, which must exclude
more than chance before anything is reported. A model too simple for the data, or few rows, are no finding."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.diagnosis.matrix import known

Array = np.ndarray[Any, Any]
Predict = Callable[[Array, Array, Array, int], Array]

WIDE = 1.96  # standard errors
FOLDS = 5


class Ranking(Struct, frozen=True):
    """How well predictions rank rows: the area under the ROC curve (of each class against the rest, weighted by their
    rows), or the rank correlation with values; from ``low`` to ``high`` with 95% confidence."""

    value: float
    low: float
    high: float


def labels(features: "Array", others: "Array", target: "Array", truth: "Array", classes: int) -> Check:
    """The check, from training rows and other rows. Where these are too few to tell, every row is predicted, each fifth
    by models of the rest."""
    name, chance, weak = ("ROC AUC", 0.5, 0.6) if classes else ("rank correlation", 0.0, 0.2)
    found = _best([ranking(model(features, others, target, classes), truth, classes) for model in (trees, linear)])
    if found is None or (found.low <= chance and found.high >= weak):
        every, outcome = np.concatenate([features, others]), np.concatenate([target, truth])
        crossed = [_crossed(model, every, outcome, classes) for model in (trees, linear)]
        found = _best([ranking(predicted, outcome, classes) for predicted in crossed])
    expected = f"more than {chance:g}, which is chance"
    if found is None:
        return Check(check="labels", measured="the rows are too few", expected=expected)
    return Check(
        check="labels",
        measured=f"small models rank other rows with a {name} of {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]",
        expected=expected,
        # Worse than chance is chance too.
        fails=found.low <= chance and max(found.high, chance + found.high - found.value) < weak,
        advice="the features do not predict the target better than chance: check that each row has its own target; if "
        "that is known, model.accept: {labels: WHY}",
    )


def trees(features: "Array", others: "Array", target: "Array", classes: int) -> "Array":
    """Class probabilities (n, classes) or values (n, 1) of other rows, by a few small trees."""
    few: dict[str, Any] = {"max_iter": 25, "max_leaf_nodes": 8, "early_stopping": False, "random_state": 0}
    if not classes:
        fitted = HistGradientBoostingRegressor(**few).fit(known(features), target)
        return np.asarray(fitted.predict(others))[:, None]
    return _spread(HistGradientBoostingClassifier(**few).fit(known(features), target), others, classes)


def linear(features: "Array", others: "Array", target: "Array", classes: int) -> "Array":
    """The same by a linear model; a missing value is the mean of its column."""
    with np.errstate(all="ignore"):
        means = np.nan_to_num(np.nanmean(known(features), axis=0))
    few, more = (np.where(np.isfinite(side), side, means).astype(np.float64) for side in (features, others))
    if not classes:
        return np.asarray(make_pipeline(StandardScaler(), Ridge(10.0)).fit(few, target).predict(more))[:, None]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=50, tol=1e-2))
    return _spread(model.fit(few, target), more, classes)


def _spread(fitted: Any, others: "Array", classes: int) -> "Array":
    predicted = np.zeros((len(others), classes))
    predicted[:, fitted.classes_] = fitted.predict_proba(others)
    return predicted


def ranking(predicted: "Array", truth: "Array", classes: int) -> Ranking | None:
    """How well predictions rank these rows, None where they show nothing.

    The interval of the area is DeLong's (1988), Student's by the rarer side and with classes taken as independent; that
    of the correlation is Fisher's.
    """
    if not classes:
        return _correlation(predicted[:, 0], truth)
    value, variance, weight = 0.0, 0.0, 0.0
    for code in range(classes):
        mine = truth == code
        count, rest = int(mine.sum()), int((~mine).sum())
        if count < 2 or rest < 2:
            continue
        inside, outside = predicted[mine, code], predicted[~mine, code]
        above, below = _placed(inside, outside), 1 - _placed(outside, inside)
        value += count * float(above.mean())
        width = float(student.ppf(0.975, min(count, rest) - 1)) ** 2
        variance += width * count**2 * float(above.var(ddof=1) / count + below.var(ddof=1) / rest)
        weight += count
    if not weight:
        return None
    arm = math.sqrt(variance) / weight
    return Ranking(value / weight, value / weight - arm, value / weight + arm)


def _placed(values: "Array", among: "Array") -> "Array":
    """The share of the others that each value is above, equal ones by half."""
    order = np.sort(among)
    found: Array = (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")) / (2 * len(order))
    return found


def _correlation(predicted: "Array", truth: "Array") -> Ranking | None:
    ranks = [_placed(values, values) for values in (predicted, truth)]
    if len(truth) < 5 or not ranks[1].std():
        return None
    value = float(np.corrcoef(ranks)[0, 1]) if ranks[0].std() else 0.0
    middle, arm = math.atanh(min(value, 1 - 1e-9)), WIDE / math.sqrt(len(truth) - 3)
    return Ranking(value, math.tanh(middle - arm), math.tanh(middle + arm))


def _crossed(model: Predict, features: "Array", target: "Array", classes: int) -> "Array":
    """Each row's prediction by a model of the other folds."""
    fold = np.random.Generator(np.random.PCG64(3)).permutation(len(target)) % FOLDS
    predicted = np.zeros((len(target), max(classes, 1)))
    for number in range(FOLDS):
        mine = fold == number
        if len(np.unique(target[~mine])) > 1:
            predicted[mine] = model(features[~mine], features[mine], target[~mine], classes)
    return predicted


def _best(found: list[Ranking | None]) -> Ranking | None:
    return max((one for one in found if one is not None), key=lambda one: one.low, default=None)
