"""Blends the candidates' held-out predictions, and measures what that gains."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.evaluation import intervals
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]

ROUNDS = 25  # so no candidate of a blend has a share below a twenty-fifth
PARTS = 5


def run(job: Job) -> None:
    """``NAME.FOLD`` (or ``NAME.validation``: predictions of held-out rows) -> ``weights``, ``predictions``.

    Weights are chosen greedily, with replacement (Caruana and others 2004); of probabilities by their log loss, which
    follows the noise of few rows less than most metrics of classes do. The predictions are honest: each row's were made
    with weights that other rows chose. ``weights``: ``{"weights", "best", "metric", "gain", "taken"}``, the gain
    over the best candidate with its paired interval. The blend is taken unless that is entirely below 0, or one
    candidate has all the weight. Raises StepError where the metric is defined for no candidate.
    """
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    sign = 1.0 if metric.greater_is_better else -1.0
    truth, given = _given(job)

    def score(target: "Array", prediction: "Array") -> float:
        value = sign * metric.score(target, prediction)
        return value if np.isfinite(value) else float("-inf")

    alone = {candidate: score(truth, prediction) for candidate, prediction in given.items()}
    best = max(alone, key=lambda candidate: alone[candidate])
    if alone[best] == float("-inf"):
        why = intervals.undefined(truth, next(iter(given.values())))
        raise StepError(
            f"no blend can be made: '{name}' is not defined on the held-out rows" + (f": {why}" if why else "")
        )
    worth = _log_likelihood if given[best].ndim == 2 else score
    part = np.random.Generator(np.random.PCG64(job.params["seed"])).permutation(len(truth)) % PARTS
    blended = np.empty_like(given[best])
    for number in range(PARTS):
        others, mine = part != number, part == number
        weights = greedy(truth[others], {key: value[others] for key, value in given.items()}, worth)
        blended[mine] = mixed(weights, {key: value[mine] for key, value in given.items()})
    confidence = job.params["confidence"]
    gained = intervals.difference(metric, truth, blended, given[best], **confidence)
    low, high = gained["low"], gained["high"]
    first = min(name.partition(".")[0] for name in job.inputs)
    own = [path for read, path in sorted(job.inputs.items()) if read.partition(".")[0] == first]
    results.write_predictions(job.outputs["predictions"], blended, truth, groups=results.read_groups(own))
    weights, gain = greedy(truth, given, worth), score(truth, blended) - alone[best]
    is_worse = not np.isfinite(gain) or (high is not None and high < 0)
    results.write_json(
        job.outputs["weights"],
        {
            "weights": weights,
            "best": best,
            "metric": name,
            "rows": len(truth),
            "gain": {"value": gain, "low": low, "high": high},
            "level": confidence["level"],
            "taken": not is_worse and len(weights) > 1,
        },
    )


def _log_likelihood(truth: "Array", prediction: "Array") -> float:
    return float(np.log(np.clip(prediction[np.arange(len(truth)), truth], 1e-12, None)).mean())


def greedy(truth: "Array", given: "Mapping[str, Array]", score: Any) -> dict[str, float]:
    """Shares by candidate: each round adds the candidate with which the mean of all so far scores best.

    Of equally good rounds the shortest is kept.
    """
    counts = dict.fromkeys(given, 0)
    total: Any = 0.0
    best, kept = float("-inf"), dict(counts)
    for number in range(1, ROUNDS + 1):
        found = {name: score(truth, (total + prediction) / number) for name, prediction in given.items()}
        chosen = max(found, key=lambda name: found[name])
        counts[chosen] += 1
        total = total + given[chosen]
        if found[chosen] > best:
            best, kept = found[chosen], dict(counts)
    every = sum(kept.values())
    return {name: count / every for name, count in kept.items() if count}


def mixed(weights: Mapping[str, float], given: "Mapping[str, Array]") -> "Array":
    """The weighted mean of predictions."""
    total: Array = sum(weight * given[name] for name, weight in weights.items())  # type: ignore[assignment]
    return total


def _given(job: Job) -> "tuple[Array, dict[str, Array]]":
    names = sorted({name.partition(".")[0] for name in job.inputs})
    found = {}
    for name in names:
        own = [path for read, path in sorted(job.inputs.items()) if read.partition(".")[0] == name]
        truth, prediction = results.gathered(own)
        if not results.is_left_out(prediction):
            found[name] = prediction
    return truth, found
