"""Metrics of served predictions: with labels, estimated without them, and between groups."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from mlspec import registry
from mlspec.constraints.fairness import Fairness
from mlspec.metrics._intervals import proportion
from mlspec.monitoring import log
from mlspec.monitoring.findings import Finding, ServedSlice
from mlspec.monitoring.labels import TRUTH
from mlspec.plugins.metric import Metric
from mlspec.plugins.verdict import Verdict, by_interval
from mlspec.spec.operation.monitor import ServedQuality
from mlspec.steps.evaluation import curves, estimated, intervals, slices
from mlspec.steps.serving.reference import Bin, Reference
from mlspec.steps.trust import fairness

Array = np.ndarray[Any, Any]

LABELLED = 0.9  # of the labels that are to be there, below which nothing passes
APART = 0.1  # difference between shares of labelled rows from which on labels are not taken for a random sample
BLIND = "estimated without labels, it cannot see a change of the relation between columns and target"
SURE = 0.001  # error rate of the check for labels that depend on the answer


def judged(reference: Reference, rows: "pl.DataFrame", rate: float, doubt: str) -> list[Finding]:
    """Every bound on a metric that needs labels. ``rows`` are the window's, with their labels; ``doubt``: why these
    are not taken for a random sample, so that nothing passes; empty where they are."""
    wanted = [bound for bound in reference.monitor.quality if not bound.estimated]
    labelled = rows.filter(pl.col(TRUTH).is_not_null())
    truth, given, decided = arrays(reference, labelled)
    level = 1 - 2 * rate / max(len(wanted), 1)
    found = []
    for bound in wanted:
        own = reference.metrics[bound.metric]
        metric = _metric(bound.metric, own.settings)
        judged = decided if metric.decides and decided is not None else given
        measured = intervals.around(metric, truth, judged, level, reference.resamples)
        one = _finding(bound, "quality", measured, labelled.height)
        if doubt and one.verdict == "pass":
            one = replace(one, verdict="unknown", reason=f"{doubt}; {one.reason}")
        found.append(one)
    return found


def sliced(reference: Reference, rows: "pl.DataFrame") -> list[ServedSlice]:
    """The monitored metrics in the slices of ``evaluation.slices``, over the rows with labels."""
    labelled = rows.filter(pl.col(TRUTH).is_not_null())
    truth, given, decided = arrays(reference, labelled)
    before = {(part.columns, part.values): part.metrics for part in reference.slices}
    wanted = dict.fromkeys(bound.metric for bound in reference.monitor.quality if not bound.estimated)
    metrics = {name: _metric(name, reference.metrics[name].settings) for name in wanted}

    def score(mine: "Array") -> dict[str, Any]:
        found = {}
        for name, metric in metrics.items():
            judged = decided if metric.decides and decided is not None else given
            found[name] = intervals.around(metric, truth[mine], judged[mine], reference.level, reference.resamples)
        return found

    found = []
    for columns in dict.fromkeys(part.columns for part in reference.slices):
        names = [f"input.{name}" for name in columns]
        if not labelled.height or any(labelled[name].is_null().all() for name in names):
            continue
        (slicing,) = slices.measured(labelled.select(names), [names], reference.slice_rows, score)
        for part in slicing["slices"]:
            values = tuple(part["values"])
            for name, own in (part["metrics"] or {}).items():
                ends = {end: own[end] for end in ("value", "low", "high")}
                known = before.get((columns, values), {}).get(name)
                found.append(
                    ServedSlice(columns=columns, values=values, rows=part["rows"], metric=name, before=known, **ends)
                )
    return found


def calibration(reference: Reference, rows: "pl.DataFrame") -> list[Bin]:
    """The observed frequency by predicted probability, over the rows with labels; nothing of numbers."""
    labelled = rows.filter(pl.col(TRUTH).is_not_null())
    if reference.classes is None or not labelled.height:
        return []
    truth, given, _decided = arrays(reference, labelled)
    return [Bin(**part) for part in curves.reliability(truth, given, reference.level)]


def guessed(reference: Reference, rows: "pl.DataFrame", rate: float) -> list[Finding]:
    """Every bound on an estimated metric: it fails or is unknown, and never passes.

    What the estimate of the test rows was wrong by is taken off. The interval holds the chance of the window's own
    classes, and that of the test rows.
    """
    from scipy.special import ndtri

    wanted = [bound for bound in reference.monitor.quality if bound.estimated]
    given, decided = _answers(reference, rows)
    far, usual = -float(ndtri(rate / max(len(wanted), 1))), float(ndtri((1 + reference.level) / 2))
    found = []
    for bound in wanted:
        own = reference.metrics[bound.metric]
        metric = _metric(bound.metric, own.settings)
        value, error = (None, None) if decided is None else estimated.estimate(metric, given, decided)
        measured: dict[str, Any] = {"value": None, "low": None, "high": None, "reason": "there are no rows"}
        if value is not None and error is not None and own.value is not None and own.estimated is not None:
            arms = [0.0 if end is None else abs(end - own.value) / usual for end in (own.low, own.high)]
            below, above = (far * float(np.hypot(error, arm)) for arm in arms)
            low, high = metric.bounds
            value = min(max(value + own.value - own.estimated, low), high)
            measured = {"value": value, "low": max(value - below, low), "high": min(value + above, high)}
        one = _finding(bound, "estimated", measured, rows.height)
        if one.verdict == "pass":
            one = replace(one, verdict="unknown", reason=f"{one.reason}; {BLIND}")
        found.append(replace(one, estimated=True))
    return found


def between_groups(reference: Reference, rows: "pl.DataFrame", rate: float, doubt: str) -> list[Finding]:
    """The bounds of ``constraints.fairness`` on served rows; those on true and false positives need labels."""
    if not reference.monitor.fairness:
        return []
    found = []
    level = 1 - 2 * rate / max(len(reference.fairness), 1)
    for bound in reference.fairness:
        needs_labels = not bound.metric.startswith("demographic_parity")
        used = rows.filter(pl.col(TRUTH).is_not_null()) if needs_labels else rows
        names = [f"input.{name}" for name in bound.group]
        text = f"{bound.metric} by {', '.join(bound.group)}"
        threshold = bound.at_most if bound.at_least is None else bound.at_least
        lacking = [name for name in bound.group if rows[f"input.{name}"].is_null().all()]
        if lacking or not used.height:
            why = f"neither log nor labels have the column '{lacking[0]}'" if lacking else "there are no rows"
            found.append(Finding(monitor="fairness", subject=text, verdict="unknown", threshold=threshold, reason=why))
            continue
        truth, _given, decided = arrays(reference, used)
        assert decided is not None
        table = fairness.table(*slices.groups(used, names), truth, decided[:, 1] == 1)
        compared = fairness.compare(bound.metric, table, bound.minimum_rows, level)
        params = {**msgspec.structs.asdict(bound), "group": list(bound.group)}
        verdict = Fairness.decide(params, {"fairness": [{**params, **compared}]}, {})
        one = _of(verdict, "fairness", text)
        if needs_labels and doubt and one.verdict == "pass":
            one = replace(one, verdict="unknown", reason=f"{doubt}; {one.reason}")
        found.append(one)
    return found


def doubts(reference: Reference, rows: "pl.DataFrame") -> tuple[str, list[str]]:
    """Why the labels of these rows are not taken for a random sample (empty where they are), and warnings.

    They are not where too many are missing, or where what was answered decides which rows get one.
    """
    expected = 1.0 if reference.labels is None else reference.labels.share
    has = rows[TRUTH].is_not_null()
    share = float(has.mean() or 0.0) if rows.height else 0.0  # type: ignore[arg-type]
    if share < LABELLED * expected:
        return f"{share:.0%} of the rows have a label, where {expected:.0%} should", []
    columns = [] if reference.classes is None else ["prediction", "to_person"]
    for name in columns:
        table = rows.select(pl.col(name).cast(pl.String).alias("answer"), has.alias("has")).drop_nulls()
        counted = table.group_by("answer").agg(pl.col("has").sum(), pl.len()).sort("answer").rows()
        rates = [(answer, own / n, *proportion(own, n, 1 - SURE)) for answer, own, n in counted]
        least, most = min(rates, key=lambda one: one[3], default=None), max(rates, key=lambda one: one[2], default=None)
        if least is not None and most is not None and most[2] - least[3] > APART:
            said = "rows that go to a person" if name == "to_person" else "the predicted class"
            text = (
                f"labels depend on {said}: {least[1]:.0%} of '{least[0]}' have one and {most[1]:.0%} of '{most[0]}'; "
                "quality is that of a selection, and a model that is trained on it learns what this one let through"
            )
            return f"labels depend on {said}", [text]
    return "", []


def _finding(bound: ServedQuality, kind: str, measured: dict[str, Any], n: int) -> Finding:
    sides = [(side, getattr(bound, side)) for side in ("at_least", "at_most")]
    parts = [
        by_interval(bound.metric, measured, n, limit, at_least=side == "at_least")
        for side, limit in sides
        if limit is not None
    ]
    worst = min(parts, key=lambda part: ("fail", "unknown", "pass").index(part.verdict))
    if not n:
        worst = replace(worst, reason="no row has a label" if kind == "quality" else "there are no rows")
    return _of(worst, kind, bound.metric)


def _of(verdict: Verdict, monitor: str, subject: str) -> Finding:
    return Finding(
        monitor=monitor,
        subject=subject,
        verdict=verdict.verdict,
        value=verdict.value,
        low=verdict.low,
        high=verdict.high,
        n=verdict.n or 0,
        threshold=verdict.threshold,
        reason=verdict.reason,
    )


def _answers(reference: Reference, rows: "pl.DataFrame") -> "tuple[Array, Array | None]":
    """The answers (n, classes) or (n,), and the decisions (n, classes) as they were logged."""
    given = log.probabilities(reference, rows)
    if reference.classes is None:
        return given, None
    return given, np.eye(len(reference.classes))[_codes(rows["prediction"], reference.classes)]


def arrays(reference: Reference, rows: "pl.DataFrame") -> "tuple[Array, Array, Array | None]":
    """The truth (n,) of rows with labels, the answers (n, classes) or (n,), and the decisions (n, classes)."""
    given, decided = _answers(reference, rows)
    truth = rows[TRUTH]
    if reference.classes is None:
        return truth.to_numpy().astype(np.float64), given, None
    return _codes(truth, reference.classes), given, decided


def _codes(labels: "pl.Series", classes: Sequence[str]) -> "Array":
    """The code of each label (n,); of what is no class, that of the first."""
    codes = {name: code for code, name in enumerate(classes)}
    return np.asarray([codes.get(label, 0) for label in labels.to_list()], dtype=np.int64)


def _metric(name: str, settings: dict[str, Any]) -> Metric:
    return cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
