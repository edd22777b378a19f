"""``reference.json`` of an exported model: what held-out rows and their predictions looked like, for monitoring.

The file may come from anybody: it is bounded, and whatever does not fit together is a ValueError.
"""

import hashlib
import itertools
import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mlspec import registry
from mlspec.constraints.fairness import FairnessMetric
from mlspec.machine import json_values
from mlspec.plugins.base import Task
from mlspec.spec.operation.labels import Labels
from mlspec.spec.operation.monitor import Monitor
from mlspec.spec.operation.retrain import When

FILE = "reference.json"
VERSION = 1
LARGEST = 16 << 20  # bytes
MOST_COLUMNS = 500
MOST_BINS = 64
LARGEST_SPAN = 1e10  # seconds, as in a spec
MOST_SLICES = 1000

Count = Annotated[int, Meta(ge=0, le=1 << 53)]


class Numbers(Struct, frozen=True, forbid_unknown_fields=True):
    """A histogram: rows up to each edge and above the last, missing ones left out; the range of training and test
    rows, None where it is not to be known."""

    edges: tuple[float, ...]
    counts: tuple[Count, ...]
    low: float | None = None
    high: float | None = None


class Levels(Struct, frozen=True, forbid_unknown_fields=True):
    """Categories with their rows, and the rows of all others. ``known``: the marks of further categories of training
    and test rows, which are then all there are; None where not all are known."""

    values: tuple[str, ...]
    counts: tuple[Count, ...]
    others: Count = 0
    known: tuple[str, ...] | None = None


class ColumnSketch(Struct, frozen=True, forbid_unknown_fields=True):
    """A column of the test rows as the model gets them."""

    name: str
    type: str
    rows: Count
    missing: Count
    numbers: Numbers | None = None
    levels: Levels | None = None


class MetricSketch(Struct, frozen=True, forbid_unknown_fields=True):
    """A metric (name, settings) on the test rows, and what the predicted probabilities alone say that it is."""

    settings: dict[str, Any]
    value: float | None
    low: float | None
    high: float | None
    estimated: float | None = None


class Bin(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of similar predicted probability: its mean, and the observed frequency with its interval."""

    predicted: float
    observed: float
    low: float
    high: float
    n: Count


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """A group's rows, and its rates as (rows predicted positive, rows)."""

    values: tuple[str, ...]
    rows: Count
    selection_rate: tuple[Count, Count]
    true_positive_rate: tuple[Count, Count]
    false_positive_rate: tuple[Count, Count]


class GroupBound(Struct, frozen=True, forbid_unknown_fields=True):
    """A bound of ``constraints.fairness``, with the groups of the test rows."""

    metric: FairnessMetric
    group: Annotated[tuple[str, ...], Meta(min_length=1, max_length=3)]
    minimum_rows: Annotated[int, Meta(ge=2)]
    at_most: float | None = None
    at_least: float | None = None
    groups: tuple[Group, ...] = ()


class SliceSketch(Struct, frozen=True, forbid_unknown_fields=True):
    """A slice of the test rows: the columns of ``evaluation.slices``, its values, and its metrics."""

    columns: Annotated[tuple[str, ...], Meta(min_length=1, max_length=3)]
    values: tuple[str, ...]
    rows: Count
    metrics: dict[str, float | None]


class Reasons(Struct, frozen=True, forbid_unknown_fields=True):
    """When the model is to be trained again."""

    when: When


class Reference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Held-out rows and their predictions, and what the spec says of the model in service.

    ``made``: when the run that made the model began (UTC). ``scores``: the predicted values, or the probability of the
    positive class (of the most probable class where there are more than two). ``predicted``: rows by predicted class.
    ``fairness``: each bound with the groups' rates. ``left_out``: columns that are not sketched.
    """

    version: int
    candidate: str
    task: Task
    target: str
    target_type: str
    classes: tuple[str, ...] | None
    made: str | None = None
    rows: Count
    columns: Annotated[tuple[ColumnSketch, ...], Meta(max_length=MOST_COLUMNS)]
    left_out: Count = 0
    scores: Numbers
    predicted: Levels | None = None
    metrics: dict[str, MetricSketch] = {}
    level: Annotated[float, Meta(gt=0.5, lt=1)] = 0.95
    resamples: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    fairness: tuple[GroupBound, ...] = ()
    slices: Annotated[tuple[SliceSketch, ...], Meta(max_length=MOST_SLICES)] = ()
    slice_rows: Annotated[int, Meta(ge=2)] = 30
    calibration: tuple[Bin, ...] = ()
    monitor: Monitor
    labels: Labels | None = None
    retrain: Reasons | None = None


class Versioned(Struct, frozen=True):
    """What any version of the file has."""

    version: int


def mark(category: str) -> str:
    """What a rare category is known by, without its text."""
    return hashlib.blake2b(category.encode(), digest_size=8).hexdigest()


def decoded(data: bytes) -> Reference:
    """A sketch from its text. Raises ValueError where it is none, or does not fit together."""
    version = json_values.decode(data, Versioned).version
    if version != VERSION:
        raise ValueError(f"its format is version {version}, but this mlspec reads {VERSION}")
    found = json_values.decode(data, Reference)
    for column in found.columns:
        if column.missing > column.rows:
            raise ValueError(f"column '{column.name}' has more missing values than rows")
        if column.numbers is not None:
            _sound(column.name, column.numbers)
        if column.levels is not None:
            _levels(column.name, column.levels)
    _sound("the predictions", found.scores)
    if found.predicted is not None:
        _levels("the predictions", found.predicted)
    for name, own in found.metrics.items():
        if not registry.has("metrics", name):
            raise ValueError(f"no metric '{name}' is installed")
        msgspec.convert(own.settings, registry.plugin("metrics", name))
    spans = (found.monitor.window.at_most, None if found.labels is None else found.labels.within)
    if any(span is not None and not 0 < span <= LARGEST_SPAN for span in spans):
        raise ValueError("a time is out of bounds")
    for wanted in found.monitor.quality:
        if wanted.metric not in found.metrics or (wanted.at_least is None and wanted.at_most is None):
            raise ValueError(f"the bound on '{wanted.metric}' can't be judged")
    if any((bound.at_least is None) == (bound.at_most is None) for bound in found.fairness):
        raise ValueError("a bound of fairness has not one bound")
    if (found.classes is None) != (found.task == "regression") or len(found.classes or (1, 2)) < 2:
        raise ValueError("its classes do not fit its task")
    return found


def _sound(name: str, numbers: Numbers) -> None:
    edges = numbers.edges
    if len(numbers.counts) != len(edges) + 1 or len(edges) >= MOST_BINS:
        raise ValueError(f"the histogram of {name} does not fit its edges")
    if not all(map(math.isfinite, edges)) or any(a >= b for a, b in itertools.pairwise(edges)):
        raise ValueError(f"the edges of {name} do not rise")


def _levels(name: str, levels: Levels) -> None:
    if len(levels.values) != len(levels.counts) or len(set(levels.values)) < len(levels.values):
        raise ValueError(f"the categories of {name} do not fit their counts")
