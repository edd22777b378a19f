"""Whether a candidate that is tried in service holds: the bounds of monitoring, on what it answered in its trial.

The bounds are judged at an eighth, a quarter, half and all of the rows that the trial has, each time with a quarter of
`operation.monitor.false_alarms`.
"""

from datetime import datetime
from typing import Literal

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from mlspec.monitoring import judge
from mlspec.monitoring.findings import Finding
from mlspec.monitoring.labels import Labels
from mlspec.monitoring.log import Log
from mlspec.monitoring.packaged import Packaged
from mlspec.spec.operation.monitor import Monitor, Window

LOOKS = (0.125, 0.25, 0.5, 1.0)
GUARDS = {"quality": ("quality", "estimated"), "service": ("service",), "fairness": ("fairness",)}
MOST = 10_000_000


class Trial(Struct, frozen=True, kw_only=True):
    """What is tried: the role of the candidate's rows in the log, how many are wanted, and which bounds decide."""

    role: Literal["shadow", "canary"]
    rows: int
    guard: tuple[str, ...]
    since: datetime


class Outcome(Struct, frozen=True, kw_only=True):
    """What is known of a candidate: its rows, how many looks these are enough for, and what the bounds say."""

    rows: int
    look: int
    verdict: Literal["fail", "unknown", "pass"] = "unknown"
    reason: str = ""


def counted(known: Log) -> int:
    """How many rows the candidate was asked for: those that it answered, and each request that it could not."""
    return known.rows.height + known.requests.filter(pl.col("status") == "failed").height


def looks(rows: int, wanted: int) -> int:
    """How many looks so many rows are enough for."""
    return sum(rows >= share * wanted for share in LOOKS)


def judged(packaged: Packaged, trial: Trial, known: Log, labels: Labels | None, now: datetime) -> Outcome:
    """The outcome as of now, by the rows of the candidate."""
    rows = counted(known)
    look = looks(rows, trial.rows)
    if not look:
        return Outcome(rows=rows, look=0, reason=f"{rows:,} of {trial.rows:,} rows")
    found = [one for one in _findings(packaged, trial, known, labels, now) if _decides(one, trial.guard)]
    bad = [one for one in found if one.verdict == "fail"]
    open_ = [one for one in found if one.verdict == "unknown" and not one.estimated]
    if bad:
        return Outcome(rows=rows, look=look, verdict="fail", reason=_said(bad[0]))
    if open_:
        return Outcome(rows=rows, look=look, reason=f"{rows:,} of {trial.rows:,} rows; {_said(open_[0])}")
    return Outcome(rows=rows, look=look, verdict="pass", reason="; ".join(map(_said, found)))


def same_answers(candidate: Log, live: Log) -> float | None:
    """The share of the rows that both have answered, for which the predictions are equal; of numbers, for which they
    differ by less than a hundredth of their spread."""
    both = candidate.rows.join(live.rows.select("request_id", "row", other="prediction"), on=["request_id", "row"])
    if not both.height:
        return None
    if both["prediction"].dtype == pl.Float64:
        spread = both["other"].std() or 0.0
        assert isinstance(spread, float)
        return float(((both["prediction"] - both["other"]).abs() <= spread / 100).mean() or 0.0)  # type: ignore[arg-type]
    return float((both["prediction"] == both["other"]).mean() or 0.0)  # type: ignore[arg-type]


def _findings(
    packaged: Packaged, trial: Trial, known: Log, labels: Labels | None, now: datetime
) -> tuple[Finding, ...]:
    said: Monitor = packaged.reference.monitor
    seconds = max((now - trial.since).total_seconds(), 1.0)
    one_window = Window(rows=MOST, at_most=seconds)
    monitor = replace(said, window=one_window, false_alarms=said.false_alarms / len(LOOKS), drift=None)
    reference = replace(packaged.reference, monitor=monitor)
    return judge.judged("", packaged._replace(reference=reference), known, labels, now).findings


def _decides(finding: Finding, guard: tuple[str, ...]) -> bool:
    return any(finding.monitor.partition(".")[0] in GUARDS[name] for name in guard)


def _said(finding: Finding) -> str:
    return f"{finding.monitor} {finding.subject}: {finding.reason}"
