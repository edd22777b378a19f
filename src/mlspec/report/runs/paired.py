"""Two runs' predictions of the same test rows -> by how much one is better, and whether that is more than noise."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from mlspec.diagnostics import StoreError
from mlspec.report.facts.run import RunFacts, Score
from mlspec.report.runs.comparison import Apart

if TYPE_CHECKING:
    import numpy as np

    from mlspec.store.store import Store

    Array = np.ndarray[Any, Any]

RESAMPLES = 1000
LEVEL = 0.95


def paired(root: Path, base: RunFacts, other: RunFacts) -> dict[str, Apart] | str:
    """The difference in each metric that both runs measured alike, with its interval.

    It is paired by test rows, so that what makes a row hard for either cancels out. In words, why nothing can be
    said: the test rows are not the same, or predictions are not in the store any more.
    """
    from mlspec import paths
    from mlspec.store.store import Store

    rows = [_output(run, "split", "test") for run in (base, other)]
    if None in rows:
        return "a run stopped before it evaluated the test rows"
    if rows[0] != rows[1]:
        return "the test rows are not the same"
    digests = [_output(run, "predict", "predictions") for run in (base, other)]
    if None in digests:
        return "a run stopped before it predicted the test rows"
    store = Store(paths.store(paths.home(root)))
    try:
        (truth, before), (_, after) = (_predictions(store, str(digest)) for digest in digests)
    except (OSError, StoreError):
        return "the predictions are no longer in the store"
    if before.shape != after.shape:
        return "the runs do not predict the same classes"
    was = {score.metric: score for score in base.scores}
    return {
        score.metric: found
        for score in other.scores
        if score.metric in was and (found := _apart(was[score.metric], score, truth, before, after)) is not None
    }


def _output(run: RunFacts, step_id: str, name: str) -> str | None:
    return next((step.outputs.get(name) for step in run.steps if step.id == step_id), None)


def _predictions(store: "Store", digest: str) -> "tuple[Array, Array]":
    from mlspec.steps import results

    return results.read_predictions(store.path(digest))


def _apart(was: Score, now: Score, truth: "Array", before: "Array", after: "Array") -> Apart | None:
    """None where the two were not measured in the same way, or not as it would be now."""
    from mlspec import registry
    from mlspec.plugins.metric import Metric
    from mlspec.steps.evaluation import decisions, intervals

    if was.settings != now.settings:
        return None
    try:
        metric = cast(Metric, msgspec.convert(now.settings, registry.plugin("metrics", now.metric)))
    except (LookupError, msgspec.ValidationError):
        return None
    given = {
        who: decisions.decided(prediction, score.threshold)
        if metric.decides and score.threshold is not None
        else prediction
        for who, score, prediction in (("before", was, before), ("after", now, after))
    }
    for who, score in (("before", was), ("after", now)):
        if not math.isclose(metric.score(truth, given[who]), score.value, rel_tol=1e-6, abs_tol=1e-9):
            return None
    if (given["before"] == given["after"]).all():
        return Apart(verdict="the same", value=0.0, low=0.0, high=0.0)
    sign = 1.0 if metric.greater_is_better else -1.0
    found = intervals.difference(metric, truth, given["after"], given["before"], now.level or LEVEL, RESAMPLES)
    value, low, high = sign * (now.value - was.value), found["low"], found["high"]
    if low is None or high is None:
        return Apart(verdict="unknown", value=value, reason=found.get("reason", ""))
    verdict = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    return Apart(verdict=cast(Any, verdict), value=value, low=min(low, value), high=max(high, value))
