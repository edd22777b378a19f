"""Bounds on metrics."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Mistake, Params, Records, SpecPath
from mlspec.plugins.keys import AT_LEAST, AT_MOST
from mlspec.plugins.verdict import Verdict, by_interval, not_better, not_measured

SIDES = ("at_least", "at_most")


class Quality(Constraint, frozen=True, kw_only=True):
    """A bound on a metric of the selected model on the test rows; the whole interval must be on the right side.

    Why: a point estimate above a bound can be luck; the interval shows whether it is.

    Example:
        quality: [{metric: roc_auc, at_least: 0.9}, {metric: roc_auc, beats: baseline, by: 0.05}]
    """

    many: ClassVar[bool] = True
    rank: ClassVar[int] = 0
    on_test_rows: ClassVar[bool] = True

    metric: Annotated[str, Meta(description="A metric that `evaluation.metrics` computes.", examples=["roc_auc"])]
    at_least: Annotated[float | None, Meta(description="The lowest acceptable value.", extra=AT_LEAST)] = None
    at_most: Annotated[float | None, Meta(description="The highest acceptable value.", extra=AT_MOST)] = None
    beats: Annotated[
        str | None,
        Meta(
            description="A baseline that the model must beat: its name, or `baseline` for all.", examples=["baseline"]
        ),
    ] = None
    by: Annotated[
        float,
        Meta(
            description="The margin by which the baseline must be beaten, in the metric's unit.", ge=0, extra=AT_LEAST
        ),
    ] = 0.0

    def label(self) -> str:
        """The metric, and the baseline where it is to beat one."""
        return self.metric if self.beats is None else f"{self.metric} beats {self.beats}"

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for the bounds, and one for each baseline that is to be beaten."""
        if self.at_least is not None or self.at_most is not None:
            bounds = {"at_least": self.at_least, "at_most": self.at_most}
            yield Check(name=self.metric, params={"metric": self.metric, **bounds})
        if self.beats is not None:
            fitting = sorted(name for name, by in context.baselines.items() if by in ("", self.metric))
            for baseline in fitting if self.beats == "baseline" else [self.beats]:
                params = {"metric": self.metric, "beats": baseline, "by": self.by}
                yield Check(name=f"{self.metric}.beats.{baseline}", params=params)

    def metrics(self) -> Mapping[SpecPath, str]:
        """The one it bounds."""
        return {("metric",): self.metric}

    def mistakes(self, context: Context) -> Iterator[Mistake]:
        """No bound at all."""
        if self.at_least is None and self.at_most is None and self.beats is None:
            yield Mistake(message="this gate has no bound", label="add at_least, at_most or beats")

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the metric's interval, or that of its difference from a baseline; both bounds must hold."""
        name = params["metric"]
        if params.get("beats") is not None:
            return _beats(name, params["beats"], params["by"], measured)
        bounds = [(side, params[side]) for side in SIDES if params.get(side) is not None]
        text = f"{name} " + " and ".join(f"{side.replace('_', ' ')} {bound:g}" for side, bound in bounds)
        metric = measured.get("metrics", {}).get(name)
        if metric is None:
            return not_measured(text, bounds[0][1])
        rows = measured["rows"]
        parts = [by_interval(text, metric, rows, bound, at_least=side == "at_least") for side, bound in bounds]
        return min(parts, key=lambda part: ("fail", "unknown", "pass").index(part.verdict))


def _beats(name: str, baseline: str, by: float, measured: Measured) -> Verdict:
    text = f"{name} beats {baseline}" + (f" by {by:g}" if by else "")
    difference = measured.get("differences", {}).get(baseline, {}).get(name)
    if difference is None:
        return not_measured(text, by)
    verdict = by_interval(text, difference, measured["rows"], by, at_least=True, unit="better than the baseline")
    note = measured.get("notes", {}).get(baseline)
    return replace(verdict, reason=note) if note is not None and verdict.low is None else not_better(verdict)
