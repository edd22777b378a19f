"""What monitoring gives: a verdict on each bound, windows over time, and how many rows it rests on."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.plugins.verdict import Decision
from mlspec.steps.serving.reference import Bin

FORMAT_VERSION = 1


class Finding(Struct, frozen=True, kw_only=True):
    """A bound and whether it holds."""

    monitor: Annotated[str, Meta(description="the bound, by its key below operation.monitor: drift.psi")]
    subject: Annotated[str, Meta(description="the column, metric or figure that it is about")]
    verdict: Annotated[Decision, Meta(description="unknown: the evidence cannot decide; never counted as a pass")]
    value: float | None = None
    low: Annotated[float | None, Meta(description="lower end of the interval, where there is one")] = None
    high: Annotated[float | None, Meta(description="upper end of the interval, where there is one")] = None
    n: Annotated[int, Meta(description="number of rows or requests behind the value")] = 0
    threshold: float | None = None
    reason: str = ""
    unit: Annotated[str, Meta(description="of value and threshold: '' or 's'")] = ""
    estimated: Annotated[
        bool, Meta(description="without labels: it cannot see a change of the relation to the target")
    ] = False


class Window(Struct, frozen=True, kw_only=True):
    """Rows that are judged together."""

    start: Annotated[str, Meta(description="time of the first row (UTC)")]
    end: Annotated[str, Meta(description="end of the window (UTC)")]
    rows: int
    findings: tuple[Finding, ...] = ()


class LogCounts(Struct, frozen=True, kw_only=True):
    """What was read of the log, and what was left out."""

    parts: int = 0
    damaged: Annotated[
        tuple[str, ...], Meta(description="parts that can't be read, with the reason; the first 20")
    ] = ()
    damaged_parts: int = 0
    rows: int = 0
    refused: Annotated[int, Meta(description="requests that were refused in the current window")] = 0
    other_models: Annotated[int, Meta(description="rows that another model answered")] = 0
    other_roles: Annotated[int, Meta(description="rows that were answered as a shadow")] = 0
    duplicates: Annotated[int, Meta(description="rows that are in the log twice")] = 0
    later: Annotated[int, Meta(description="rows from after the stated time")] = 0
    too_many: Annotated[int, Meta(description="older parts that were left out because the newer ones are enough")] = 0


class LabelCounts(Struct, frozen=True, kw_only=True):
    """What was read of the labels, and how they fit the log."""

    rows: int = 0
    matched: int = 0
    unmatched: Annotated[int, Meta(description="labels of no row that was read from the log")] = 0
    duplicates: Annotated[int, Meta(description="labels that are there twice, with the same value")] = 0
    corrected: Annotated[int, Meta(description="labels that a later one with another value replaces")] = 0
    late: Annotated[int, Meta(description="labels that came after operation.labels.within")] = 0
    missing: Annotated[int, Meta(description="rows of the window of quality that have no label")] = 0
    later: Annotated[int, Meta(description="labels from after the stated time")] = 0
    unusable: Annotated[int, Meta(description="labels without a value, or with one that is no class of the model")] = 0


class ServedSlice(Struct, frozen=True, kw_only=True):
    """A metric in a slice of the labelled rows: shown, not judged."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    rows: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    before: Annotated[float | None, Meta(description="in the same slice of the test rows")] = None


class Monitored(Struct, frozen=True, kw_only=True):
    """A model in service at one time."""

    format: int = FORMAT_VERSION
    package: str
    candidate: str
    model: Annotated[str, Meta(description="the package's digest, as the log names it")]
    now: str
    verdict: Annotated[Decision, Meta(description="fail: at least one bound fails; pass: all hold")]
    window: Annotated[Window, Meta(description="the current window: drift, service, estimated metrics")]
    quality: Annotated[Window | None, Meta(description="the newest rows whose labels are due")] = None
    slices: Annotated[tuple[ServedSlice, ...], Meta(description="slices of the rows with labels")] = ()
    calibration: Annotated[tuple[Bin, ...], Meta(description="of the rows with labels, in bins of equal size")] = ()
    history: Annotated[tuple[Window, ...], Meta(description="earlier windows, the newest first")] = ()
    log: LogCounts
    labels: LabelCounts | None = None
    warnings: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the current windows."""
        return self.window.findings + (() if self.quality is None else self.quality.findings)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Bounds that fail."""
        return tuple(one for one in self.findings if one.verdict == "fail")
