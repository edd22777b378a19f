"""What must not get worse than it was."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Params, Records, SpecPath
from mlspec.plugins.keys import AT_MOST
from mlspec.plugins.verdict import Verdict, by_interval, not_measured


class Guardrail(Constraint, frozen=True, kw_only=True):
    """A metric must not be worse than in the accepted run; follows from a goal in `project.goals`.

    Why: a gain in one metric must not cost another.

    Example:
        goals: [{name: recall, metric: recall, guardrail: true, tolerance: 0.01}]
    """

    is_key: ClassVar[bool] = False
    on_test_rows: ClassVar[bool] = True

    metric: Annotated[str, Meta(description="The metric that must not get worse.")]
    tolerance: Annotated[float, Meta(description="By how much it may get worse, in its unit.", ge=0, extra=AT_MOST)] = (
        0.0
    )

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate."""
        yield Check(params={"metric": self.metric, "tolerance": self.tolerance})

    def metrics(self) -> Mapping[SpecPath, str]:
        """The one that is guarded."""
        return {("metric",): self.metric}

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the difference from the accepted run: it must lie above minus the tolerance."""
        name, tolerance = params["metric"], params["tolerance"]
        text = f"{name} no worse than the accepted run's" + (f" by more than {tolerance:g}" if tolerance else "")
        difference = measured.get("differences", {}).get("previous", {}).get(name)
        if difference is None:
            return not_measured(text, -tolerance)
        unit = "against the accepted run (positive is better)"
        verdict = by_interval(text, difference, measured["rows"], -tolerance, at_least=True, unit=unit)
        note = measured.get("notes", {}).get("previous")
        if note is None:
            return verdict
        # What was never accepted can't get worse.
        return replace(verdict, reason=note, verdict="pass" if verdict.value is None else verdict.verdict)
