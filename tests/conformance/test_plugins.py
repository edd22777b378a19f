"""All our own plug-ins run through the suites of ``mlspec.testing``."""

import pytest

from mlspec import registry
from mlspec.testing.anonymizers import AnonymizerSuite
from mlspec.testing.baselines import COLUMNS, BaselineSuite
from mlspec.testing.metrics import MetricSuite
from mlspec.testing.transforms import TransformSuite


class TestMetrics(MetricSuite):
    names = registry.names("metrics")
    settings = {"expected_cost": {"false_positive": 1, "false_negative": 5}}  # noqa: RUF012


class TestBaselines(BaselineSuite):
    names = registry.names("baselines")
    settings = {  # noqa: RUF012
        "human": {"metric": "accuracy", "value": 0.8},
        "rule": {"column": COLUMNS[0], "above": 0.5},
    }


class TestTransforms(TransformSuite):
    names = registry.names("transforms")
    settings = {"order": {"levels": ["a0 words", "b1 words"]}}  # noqa: RUF012


class TestAnonymizers(AnonymizerSuite):
    names = registry.names("anonymizers")
    settings = {  # noqa: RUF012
        "bins": {"edges": [10, 30]},
        "hash": {"key": "SUITE_KEY"},
        "keep": {"reason": "It is needed."},
        "noise": {"scale": 2},
        "prefix": {"length": 2},
        "round": {"to": 5},
        "top_code": {"at_most": 30},
        "truncate": {"to": "month"},
    }


@pytest.mark.parametrize("kind", registry.KINDS)
def test_there_are_at_least_two_of_each_kind(kind: str) -> None:
    assert len(registry.names(kind)) >= 2
