"""The suites find what is wrong with a plug-in: each of these breaks one promise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column
from mlspec.plugins.baseline import Baseline
from mlspec.plugins.metric import Metric
from mlspec.plugins.model import Model, Predictor
from mlspec.plugins.transform import Transform
from mlspec.testing.anonymizers import AnonymizerSuite
from mlspec.testing.baselines import BaselineSuite
from mlspec.testing.metrics import MetricSuite
from mlspec.testing.models import ModelSuite
from mlspec.testing.transforms import TransformSuite

BINARY = frozenset({"binary_classification"})
METRICS, TRANSFORMS, MODELS = MetricSuite(), TransformSuite(), ModelSuite()


class Scored(Metric, frozen=True):
    tasks: ClassVar[frozenset[str]] = BINARY
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    how: str

    def score(self, truth: Any, prediction: Any) -> float:
        hits = prediction.argmax(axis=1) == truth
        if self.how == "first":
            return float(hits[: len(hits) // 2].mean())
        if self.how == "written over":
            prediction[:] = 0
        return float({"too large": 100 * hits.mean(), "errors": 1 - hits.mean()}.get(self.how, hits.mean()))

    def resampled(self, truth: Any, prediction: Any, weights: Any) -> Any:
        return None if self.how != "resampled" else np.ones(len(weights)) * self.score(truth, prediction)

    def interval(self, truth: Any, prediction: Any, level: float) -> tuple[float, float] | None:
        return None if self.how != "interval" else (0.4, 0.6)


class Moved(Transform, frozen=True):
    accepts: ClassVar[frozenset[str]] = frozenset({"number", "category"})
    how: str

    def output(self, column: Column) -> tuple[Column, ...]:
        return (Column("other" if self.how == "another name" else column.name, column.type),)

    def fit(self, column: Column, values: Any) -> dict[str, Any]:
        return {"seen": {1, 2}} if self.how == "a set" else {}

    def apply(self, column: Column, state: Any) -> Any:
        cells = pl.col(column.name)
        if self.how == "all rows":
            cells = cells.sort()
        if self.how == "unseen" and column.type == "category":
            known = [f"{letter}{number} words" for letter in "abcd" for number in range(5)]
            cells = cells.replace_strict(known, known)  # fails on any other word
        return [(Column(column.name, column.type), cells)]


class Filled(Anonymizer, frozen=True):
    how: str

    def output(self, column: Column) -> Column:
        return Column(column.name, "number" if self.how == "type" else column.type, column.role)

    def apply(self, column: Column) -> Any:
        cells = pl.col(column.name)
        return cells.fill_null(strategy="forward") if self.how == "filled" else cells


class Guessed(Baseline, frozen=True):
    tasks: ClassVar[frozenset[str]] = BINARY
    how: str

    def predict(self, rows: Any) -> Any:
        n = rows.test.height
        if self.how == "lot":
            return np.random.default_rng().dirichlet([1, 1], n), None
        return np.full((n, 2), 0.5 if self.how == "rows" else 0.7)[1:], None


class Learned(Model, frozen=True):
    tasks: ClassVar[frozenset[str]] = BINARY
    preparation: ClassVar[dict[str, Any]] = {"numeric": [], "category": [{"encode": "one_hot"}], "date": ["date_parts"]}
    how: str

    def fit(self, training: Any, folder: Path) -> dict[str, Any]:
        folder.mkdir(parents=True)
        seen = np.random.default_rng().random() if self.how == "lot" else 0
        (folder / "model.json").write_text(json.dumps([self.how, seen]))
        return {}

    def load(self, folder: Path, device: str) -> Predictor:
        return Answer(json.loads((folder / "model.json").read_text())[0])


class Answer(Predictor):
    def __init__(self, how: str) -> None:
        self.how = how

    def predict(self, features: Any) -> Any:
        values = features.numeric[:, 0].astype(np.float64)
        if self.how == "batch":
            values = values - values.mean()
        positive = np.full(len(values), 0.1) if self.how == "constant" else 1 / (1 + np.exp(-values))
        return np.stack([1 - positive, positive], axis=1)


@pytest.mark.parametrize(
    ("test", "broken"),
    [
        (METRICS.test_its_score_is_a_number_within_its_bounds, Scored(how="too large")),
        (METRICS.test_the_order_of_rows_does_not_matter, Scored(how="first")),
        (METRICS.test_what_it_is_given_stays_as_it_is, Scored(how="written over")),
        (METRICS.test_a_perfect_prediction_is_better_than_another_and_at_the_end_of_the_bounds, Scored(how="errors")),
        (
            METRICS.test_an_interval_in_closed_form_where_there_is_one_is_wider_the_fewer_the_rows,
            Scored(how="interval"),
        ),
        (TRANSFORMS.test_it_makes_the_columns_that_it_says_without_fitting, Moved(how="another name")),
        (TRANSFORMS.test_its_state_is_plain_json, Moved(how="a set")),
        (TRANSFORMS.test_each_row_is_treated_by_itself, Moved(how="all rows")),
        (TRANSFORMS.test_it_takes_what_no_training_row_has, Moved(how="unseen")),
        (AnonymizerSuite().test_what_it_leaves_is_the_column_that_it_says, Filled(how="type")),
        (AnonymizerSuite().test_each_cell_of_new_rows_is_treated_by_itself, Filled(how="filled")),
        (BaselineSuite().test_it_predicts_every_test_row_the_same_way_each_time, Guessed(how="lot")),
        (BaselineSuite().test_it_predicts_every_test_row_the_same_way_each_time, Guessed(how="rows")),
    ],
)
def test_what_breaks_a_promise_fails(test: Callable[[Any], None], broken: Any) -> None:
    with pytest.raises((AssertionError, TypeError, pl.exceptions.PolarsError)):
        test(broken)


def test_a_metric_that_takes_no_short_cut_passes_and_a_wrong_one_does_not() -> None:
    for ties in (False, True):
        METRICS.test_resampling_by_weights_where_there_is_one_is_scoring_repeated_rows(Scored(how="plain"), ties)
        with pytest.raises(AssertionError):
            METRICS.test_resampling_by_weights_where_there_is_one_is_scoring_repeated_rows(
                Scored(how="resampled"), ties
            )
    METRICS.test_an_interval_in_closed_form_where_there_is_one_is_wider_the_fewer_the_rows(Scored(how="plain"))


@pytest.mark.parametrize(
    ("test", "broken"),
    [
        (MODELS.test_it_answers_in_the_shape_of_its_task_and_has_learned_something, Learned(how="constant")),
        (MODELS.test_it_answers_each_row_by_itself, Learned(how="batch")),
        (MODELS.test_equal_fits_are_equal_bytes_and_none_is_a_pickle, Learned(how="lot")),
        (MODELS.test_weights_of_rows_are_used_or_refused, Learned(how="plain")),
    ],
)
def test_a_model_that_breaks_a_promise_fails(test: Callable[[Any, Path], None], broken: Any, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        test(broken, tmp_path)
