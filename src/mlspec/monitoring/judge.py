"""The one function of monitoring: sketch, log, labels and time -> verdicts. It reads no clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
from msgspec.structs import replace

from mlspec.monitoring import drift, quality, service, windows
from mlspec.monitoring.findings import Finding, LabelCounts, Monitored, Window
from mlspec.monitoring.labels import TIME, TRUTH, Labels, joined
from mlspec.monitoring.log import Log
from mlspec.monitoring.packaged import Packaged
from mlspec.steps.serving.reference import Reference

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


def horizon(reference: Reference, now: datetime) -> datetime:
    """From when on the log is needed: as many windows as are shown, and those whose labels are due."""
    said = reference.monitor.window
    within = 0.0 if reference.labels is None or reference.labels.within is None else reference.labels.within
    return _before(now, max(windows.MOST * said.at_most, within + said.at_most))


def _before(now: datetime, seconds: float) -> datetime:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return EARLIEST


def judged(package: str, packaged: Packaged, log: Log, labels: Labels | None, now: datetime) -> Monitored:
    """Every bound of ``operation.monitor``, for the current window, the one whose labels are due, and earlier ones."""
    reference = packaged.reference
    shown = list(_windows(reference, log, now))
    refused = _inside(log.requests, shown[0][1])["status"].eq("refused").sum()
    found = Monitored(
        package=package,
        candidate=reference.candidate,
        model=packaged.digest,
        now=said(now),
        verdict="unknown",
        window=shown[0][0],
        history=tuple(window for window, _times in shown[1:]),
        log=replace(log.counts, refused=int(refused)),
    )
    if reference.labels is not None or reference.monitor.fairness:
        found = _with_quality(found, reference, log, labels, now)
    verdicts = {one.verdict for one in found.findings}
    verdict = next((one for one in ("fail", "unknown") if one in verdicts), "pass" if verdicts else "unknown")
    return replace(found, verdict=verdict)


def said(time: datetime) -> str:
    """A time as it is written."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


Times = tuple[datetime, datetime]


def _windows(reference: Reference, log: Log, now: datetime) -> Iterator[tuple[Window, Times]]:
    wanted = reference.monitor
    times = log.rows["time"].to_physical().to_numpy()
    for cut in windows.cut(times, now, wanted.window.rows, wanted.window.at_most):
        rows = log.rows[cut.start : cut.stop]
        start = rows["time"].min() if rows.height else _before(cut.end, wanted.window.at_most)
        assert isinstance(start, datetime)
        span = (start, cut.end)
        findings: list[Finding] = []
        if wanted.drift is not None:
            findings += drift.judged(reference, wanted.drift, rows, log.present, wanted.false_alarms)
        if wanted.service is not None:
            findings += service.judged(wanted.service, _inside(log.requests, span), wanted.false_alarms)
        findings += quality.guessed(reference, rows, wanted.false_alarms)
        made = Window(start=said(start), end=said(cut.end), rows=rows.height, findings=tuple(findings))
        yield made, span


def _inside(rows: "pl.DataFrame", span: Times) -> "pl.DataFrame":
    return rows.filter(pl.col("time").is_between(*span))


def _with_quality(found: Monitored, reference: Reference, log: Log, labels: Labels | None, now: datetime) -> Monitored:
    """What needs labels: of the newest window of rows whose labels are due."""
    said_of, wanted = reference.labels, reference.monitor
    within = 0.0 if said_of is None or said_of.within is None else said_of.within
    until = _before(now, within)
    due = log.rows.filter(pl.col("time") <= until)
    times = due["time"].to_physical().to_numpy()
    cut = next(windows.cut(times, until, wanted.window.rows, wanted.window.at_most))
    rows = joined(due[cut.start : cut.stop], labels)
    doubt, warnings = quality.doubts(reference, rows)
    findings = [
        *quality.judged(reference, rows, wanted.false_alarms, doubt),
        *quality.between_groups(reference, rows, wanted.false_alarms, doubt),
    ]
    start = rows["time"].min() if rows.height else cut.end
    assert isinstance(start, datetime)
    window = Window(start=said(start), end=said(cut.end), rows=rows.height, findings=tuple(findings))
    shown = tuple(quality.sliced(reference, rows))
    found = replace(found, quality=window, slices=shown, calibration=tuple(quality.calibration(reference, rows)))
    if labels is None:
        return found
    every = joined(log.rows, labels)
    matched = int(every[TRUTH].is_not_null().sum())
    late = every.filter(pl.col(TIME) > pl.col("time") + timedelta(seconds=within)).height if within else 0
    counts: LabelCounts = replace(
        labels.counts,
        matched=matched,
        unmatched=labels.rows.height - matched,
        late=late,
        missing=int(rows[TRUTH].is_null().sum()),
    )
    return replace(found, labels=counts, warnings=tuple(warnings))
