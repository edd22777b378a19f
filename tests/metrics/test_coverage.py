"""A simulation: intervals of 95 % hold the true value as often as they say, gates on it pass falsely as rarely, and
ordinary rows get an interval."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mlspec import registry

FOLDER = Path(__file__).parents[2] / "benchmarks"
SIZES = (50, 300)
# Differences follow one construction from the influences, which the conformance suite holds for every metric.
PAIRED = ("accuracy", "log_loss", "mae", "roc_auc")
SIMULATED = [*((name, False) for name in registry.names("metrics")), *((name, True) for name in PAIRED)]
UNBOUNDED = ("log-normal errors", "very heavy tail", "Laplace errors", "prices")


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.syspath_prepend(str(FOLDER))
    import coverage_of_intervals

    monkeypatch.setattr(coverage_of_intervals, "WHOLE", 150_000)
    yield coverage_of_intervals
    sys.modules.pop("coverage_of_intervals", None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "paired"), SIMULATED)
def test_intervals_hold_the_truth_and_gates_on_it_rarely_pass(coverage, name: str, paired: bool) -> None:  # type: ignore[no-untyped-def]
    draws = 25 if name == "calibration_error" else 100
    found = [
        coverage.simulated(name, metric, case, draw, n, draws, paired=paired)
        for name, metric, case, draw in coverage.cases((name,))
        for n in SIZES
        if case != "very heavy tail" or n == 300
    ]
    known = [cell for cell in found if cell.printed >= 0.8]
    for cell in known:
        assert cell.covers >= 0.93 - 3 * (0.07 * 0.93 / draws / cell.printed) ** 0.5, cell
    for cell in found:
        unseen = 0.04 if cell.case in UNBOUNDED else 0.0  # errors that are rarer than these rows can show
        assert cell.passes <= 0.025 + unseen + 4 * (0.025 / draws) ** 0.5, cell
        if cell.n >= 300 and cell.case not in UNBOUNDED and not (name == "average_precision" and cell.n == 300):
            assert cell.printed >= 0.95, f"ordinary rows get an interval: {cell}"
        if name == "rmse" and cell.case == "very heavy tail":
            assert cell.printed <= 0.1, f"few rows carry this error: {cell}"
    error = (0.05 * 0.95 / draws / len(known)) ** 0.5
    assert np.mean([cell.covers for cell in known]) >= 0.94 - 3 * error
    assert np.mean([cell.passes for cell in known]) <= 0.03 + 3 * error
