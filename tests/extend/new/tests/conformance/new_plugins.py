"""The new plug-ins run through the suites of their kinds."""

import polars as pl

from mlspec.testing.anonymizers import AnonymizerSuite
from mlspec.testing.baselines import BaselineSuite
from mlspec.testing.metrics import MetricSuite
from mlspec.testing.models import ModelSuite
from mlspec.testing.sources import SourceSuite
from mlspec.testing.transforms import TransformSuite


class TestHits(MetricSuite):
    names = ("hits",)


class TestShift(TransformSuite):
    names = ("shift",)


class TestHalve(AnonymizerSuite):
    names = ("halve",)


class TestRandomTrees(ModelSuite):
    names = ("random_trees",)
    settings = {"random_trees": {"trees": 10}}  # noqa: RUF012


class TestRarest(BaselineSuite):
    names = ("rarest",)


class TestPipes(SourceSuite):
    name = "pipes"

    def given(self, folder):
        (folder / "rows.pipes").write_text("x|kind\n0.5|a\n2.0|b\n")
        return {"path": "rows.pipes"}, pl.DataFrame({"x": [0.5, 2.0], "kind": ["a", "b"]})
