"""A candidate beside the model in service, on the same labelled rows of the log: paired differences."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta, Struct

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.monitoring import joining, quality
from mlspec.monitoring.errors import refused
from mlspec.monitoring.labels import TRUTH, Labels, joined
from mlspec.monitoring.log import Log
from mlspec.plugins.metric import Metric
from mlspec.steps.evaluation import intervals
from mlspec.steps.serving.package import LoadedModel
from mlspec.steps.serving.reference import Reference

Array = np.ndarray[Any, Any]

FORMAT_VERSION = 1


class Difference(Struct, frozen=True, kw_only=True):
    """By how much the candidate is better by a metric; the interval is paired."""

    metric: str
    served: float | None
    candidate: float | None
    value: Annotated[float | None, Meta(description="positive: the candidate is better")]
    low: float | None
    high: float | None
    verdict: Annotated[
        Literal["better", "worse", "unknown"], Meta(description="unknown: the interval includes no difference")
    ]
    decides: Annotated[bool, Meta(description="whether operation.monitor.quality has a bound on it")]
    reason: str = ""


class Compared(Struct, frozen=True, kw_only=True):
    """A candidate beside the model in service."""

    format: int = FORMAT_VERSION
    package: str
    candidate: str
    now: str
    since: str
    rows: int
    worse: Annotated[bool, Meta(description="whether it is worse by a metric that decides")]
    doubt: Annotated[str, Meta(description="why the labels are not taken for a random sample of the rows")] = ""
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()


class Found(NamedTuple):
    """What a comparison found."""

    rows: int
    differences: list[Difference]
    doubt: str
    warnings: list[str]


def compared(reference: Reference, log: Log, labels: Labels, model: LoadedModel, since: datetime) -> Found:
    """The rows later than ``since`` that have a label, each metric's difference, doubts about the labels, and warnings.

    What the model in service answered is taken from the log. Raises SpecError where the candidate is of another task or
    classes, or needs a column that the log lacks.
    """
    about = model.about
    if (about.task, about.target, about.classes) != (reference.task, reference.target, reference.classes):
        raise refused("bad-candidate", "the candidate predicts another target, or other classes")
    late = log.rows.filter(pl.col("time") > since)
    doubt, warnings = quality.doubts(reference, joined(late, labels))
    rows = joined(late, labels).filter(pl.col(TRUTH).is_not_null()).reverse()
    if not rows.height:
        raise refused("bad-candidate", "no row after --since has a label: there is nothing to compare on")
    truth, served, decided = quality.arrays(reference, rows)
    table = joining.table(reference, log._replace(rows=late), labels)
    try:
        answer = model.predict(table)
        codes = None if about.classes is None else model.decide(answer, table)
    except StepError as error:
        raise refused("bad-candidate", f"the candidate can't answer the logged rows: {error}") from None
    own = None if codes is None else np.eye(answer.shape[1])[codes]
    bound = {one.metric for one in reference.monitor.quality if not one.estimated}
    found = []
    for name, sketch in reference.metrics.items():
        metric = cast(Metric, msgspec.convert(sketch.settings, registry.plugin("metrics", name)))
        by_decision = metric.decides and own is not None and decided is not None
        given = (own, decided) if by_decision else (answer, served)
        mine, theirs = (cast(Array, answers) for answers in given)
        gained = intervals.difference(metric, truth, mine, theirs, reference.level, reference.resamples)
        low, high = gained["low"], gained["high"]
        found.append(
            Difference(
                metric=name,
                served=intervals.score(metric, truth, theirs),
                candidate=intervals.score(metric, truth, mine),
                value=gained["value"],
                low=low,
                high=high,
                verdict=_verdict(low, high),
                decides=name in bound,
                reason=gained.get("reason", ""),
            )
        )
    return Found(rows.height, found, doubt, warnings)


def _verdict(low: float | None, high: float | None) -> Literal["better", "worse", "unknown"]:
    if low is None or high is None or low <= 0 <= high:
        return "unknown"
    return "better" if low > 0 else "worse"
