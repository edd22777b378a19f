"""Bounds on the time of one prediction."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records
from mlspec.plugins.keys import AT_MOST, MORE_EVIDENCE, Seconds
from mlspec.plugins.verdict import Verdict, decide, not_measured, seconds

QUANTILES = ("p50", "p95", "p99")


class Latency(Constraint, frozen=True, kw_only=True):
    """Bounds on the time of one prediction: the exported model with its preparation, one process, warm.

    Why: a good prediction that is too late is useless; the mean hides slow ones, a quantile does not.

    Example:
        latency: {p95: 5ms}
    """

    rank: ClassVar[int] = 40
    is_compared: ClassVar[bool] = True

    p50: Annotated[Seconds | None, Meta(description="Bound on the median time.", extra=AT_MOST)] = None
    p95: Annotated[Seconds | None, Meta(description="Bound on the 95th percentile.", extra=AT_MOST)] = None
    p99: Annotated[Seconds | None, Meta(description="Bound on the 99th percentile.", extra=AT_MOST)] = None
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000, extra=MORE_EVIDENCE)] = 1

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for each quantile; all read one measurement."""
        reads = Measurement(
            step="measure.latency",
            output="latency",
            kind="latency",
            params={"batch": self.batch},
            inputs={"model": ("select", "model"), "test": ("split", "test")},
        )
        for quantile in QUANTILES:
            bound = getattr(self, quantile)
            if bound is not None:
                yield Check(name=quantile, at=(quantile,), params={"quantile": quantile, "at_most": bound}, reads=reads)

    @classmethod
    def unit(cls, params: Params) -> str:
        """Seconds."""
        return "s"

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the quantile; an end that the measurements can't give is open."""
        name, bound = params["quantile"], params["at_most"]
        if name not in measured:
            return not_measured(f"{name} latency at most {seconds(bound)}", bound)
        value, n, batch = measured[name], measured["n"], measured["batch"]
        low, high = measured["intervals"][name]
        open_ends = 0.0 if low is None else low, float("inf") if high is None else high
        verdict = decide(*open_ends, bound, at_least=False)
        ends = f"{'0' if low is None else seconds(low)} to {'unbounded' if high is None else seconds(high)}"
        reason = f"{seconds(value)}, interval {ends} over {n:,} requests"
        return Verdict(
            requirement=f"{name} latency of {batch:,} row{'s' if batch != 1 else ''} at most {seconds(bound)}",
            verdict=verdict,
            value=value,
            low=low,
            high=high,
            n=n,
            threshold=bound,
            reason=reason + (f", includes {seconds(bound)}" if verdict == "unknown" else ""),
        )
