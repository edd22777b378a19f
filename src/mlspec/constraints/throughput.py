"""A bound on how fast many rows are answered."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records
from mlspec.plugins.keys import AT_LEAST, LESS_EVIDENCE
from mlspec.plugins.verdict import Verdict, decide, not_measured


class Throughput(Constraint, frozen=True, kw_only=True):
    """A bound on rows predicted per second: the exported model with its preparation, one process, warm.

    Why: predictions in batches must finish in the available time.

    Example:
        throughput: {rows_per_second: 100000}
    """

    rank: ClassVar[int] = 50
    is_compared: ClassVar[bool] = True

    rows_per_second: Annotated[
        float, Meta(description="The lowest allowed number of rows per second.", gt=0, extra=AT_LEAST)
    ]
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000, extra=LESS_EVIDENCE)] = 1000

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate."""
        yield Check(
            at=("rows_per_second",),
            params={"at_least": self.rows_per_second},
            reads=Measurement(
                step="measure.throughput",
                output="latency",
                kind="latency",
                params={"batch": self.batch},
                inputs={"model": ("select", "model"), "test": ("split", "test")},
            ),
        )

    @classmethod
    def unit(cls, params: Params) -> str:
        """Rows a second."""
        return "rows/s"

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the median time of a batch; an end that the measurements can't give is open."""
        bound = params["at_least"]
        text = f"throughput at least {_rate(bound)}"
        if "p50" not in measured:
            return not_measured(text, bound)
        batch, n = measured["batch"], measured["n"]
        value = batch / measured["p50"]
        slow, fast = (None if end is None else batch / end for end in reversed(measured["intervals"]["p50"]))
        low, high = (0.0 if slow is None else slow), (float("inf") if fast is None else fast)
        verdict = decide(low, high, bound, at_least=True)
        reason = f"{_rate(value)}, interval {_rate(low)} to {_rate(high)} over {n:,} requests of {batch:,} rows"
        return Verdict(
            requirement=text,
            verdict=verdict,
            value=value,
            low=slow,
            high=fast,
            n=n,
            threshold=bound,
            reason=reason + (f", includes {_rate(bound)}" if verdict == "unknown" else ""),
        )


def _rate(value: float) -> str:
    return f"{value:,.3g} rows/s" if value < 1000 else f"{float(f'{value:.3g}'):,.0f} rows/s"
