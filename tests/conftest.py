"""One thread for numeric libraries, in the tests and in what they start: the suite itself uses all cores, and threads
that wait for each other's cores take three times as long as one.

In CI a test that is skipped for anything but hardware has failed: a tool that was not installed must not go unnoticed.
"""

import os
from collections.abc import Generator

import pytest
from tests.hardware import LACKS

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI, and for anything but hardware."""
    if "CI" not in os.environ or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if LACKS not in reason:
        report.outcome = "failed"
        report.longrepr = f"in CI nothing is skipped but for hardware (tests/hardware.py): {reason}"
