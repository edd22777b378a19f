"""What every baseline has to do: predict each test row, or state that it predicts nothing."""

# ruff: noqa: D102 (the name of a test is its sentence)

from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from mlspec.plugins.baseline import Baseline, BaselineRows
from mlspec.testing.metrics import CLASSES
from mlspec.testing.plugins import PluginSuite

Array = np.ndarray[Any, Any]
COLUMNS = ("size", "town")  # a number and a category, for baselines that read columns


class BaselineSuite(PluginSuite):
    """Tests for baselines: inherit, and set ``names``; one that reads columns is set to read those of COLUMNS."""

    kind: ClassVar[str] = "baselines"

    def test_it_predicts_every_test_row_the_same_way_each_time(self, plugin: Baseline) -> None:
        assert plugin.tasks
        assert plugin.mistake() == ""
        for task in sorted(plugin.tasks) if plugin.predicts else ():
            given = rows(task)
            prediction, decisions = plugin.predict(given)
            again = plugin.predict(given)[0]
            assert (prediction == again).all(), task
            assert prediction.dtype == np.float64, task
            assert np.isfinite(prediction).all(), task
            if task == "regression":
                assert prediction.shape == (given.test.height,)
                continue
            assert prediction.shape == (given.test.height, given.classes), task
            np.testing.assert_allclose(prediction.sum(axis=1), 1, atol=1e-9)
            if decisions is not None:
                assert decisions.shape == prediction.shape, task
                assert ((decisions == 0) | (decisions == 1)).all(), task
                assert (decisions.sum(axis=1) == 1).all(), task

    def test_one_that_predicts_nothing_says_so(self, plugin: Baseline) -> None:
        if not plugin.predicts:
            with pytest.raises(TypeError, match="predicts nothing"):
                plugin.predict(rows(min(plugin.tasks)))


def rows(task: str) -> BaselineRows:
    """200 training and 100 test rows with COLUMNS."""
    generator = np.random.default_rng(3)
    frame = pl.DataFrame({COLUMNS[0]: generator.uniform(0, 1, 300), COLUMNS[1]: generator.choice(["a", "b", "c"], 300)})
    classes = CLASSES[task]
    size = frame[COLUMNS[0]].to_numpy()[:200]
    target = np.minimum((size * classes).astype(np.int64), classes - 1) if classes else size * 10
    return BaselineRows(frame[:200], frame[200:], target, classes)
