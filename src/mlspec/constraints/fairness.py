"""Bounds on how differently groups of people are treated."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.diagnostics import Hint
from mlspec.plugins.constraint import (
    Check,
    Constraint,
    Context,
    Measured,
    Measurement,
    Mistake,
    Params,
    Records,
    SpecPath,
)
from mlspec.plugins.keys import AT_LEAST, AT_MOST, MORE_EVIDENCE, Columns, Share
from mlspec.plugins.verdict import Verdict, by_interval, not_measured

FairnessMetric = Literal[
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
]


class Fairness(Constraint, frozen=True, kw_only=True):
    """A bound on how differently decisions treat groups of the test rows; the whole interval must be inside.

    Why: a model that is good on average can be bad, or harsh, for some groups of people.

    Example:
        fairness: [{metric: equal_opportunity_difference, group: sex, at_most: 0.1}]
    """

    many: ClassVar[bool] = True
    rank: ClassVar[int] = 10
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    on_test_rows: ClassVar[bool] = True
    is_ordered: ClassVar[bool] = True

    metric: Annotated[
        FairnessMetric,
        Meta(
            description="What is compared between groups: the selection rate (demographic parity), the true positive "
            "rate (equal opportunity), or the true and false positive rates (equalized odds)."
        ),
    ]
    group: Annotated[
        Columns,
        Meta(
            description="The column whose values are the groups, or several columns for their intersections.",
            examples=["sex", ["sex", "race"]],
        ),
    ]
    at_most: Annotated[
        Share | None, Meta(description="The largest allowed difference between two groups.", extra=AT_MOST)
    ] = None
    at_least: Annotated[
        Share | None,
        Meta(
            description="The smallest allowed ratio of two groups, the smaller rate divided by the larger.",
            extra=AT_LEAST,
        ),
    ] = None
    minimum_rows: Annotated[
        int,
        Meta(
            description="The verdict is unknown for a group with fewer rows behind a rate.",
            ge=2,
            extra=MORE_EVIDENCE,
        ),
    ] = 30

    def label(self) -> str:
        """The metric and the groups."""
        return f"{self.metric} by {', '.join(self.group)}"

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate; the final evaluation compares the groups."""
        asked = {"metric": self.metric, "group": list(self.group), "minimum_rows": self.minimum_rows}
        yield Check(
            name=f"{self.metric}.{'+'.join(self.group)}",
            params={**asked, "at_least": self.at_least, "at_most": self.at_most},
            reads=Measurement(
                step="evaluate", output="metrics", params={"fairness": [asked]}, inputs={"test": ("split", "test")}
            ),
        )

    def columns(self) -> Mapping[SpecPath, tuple[str, ...]]:
        """Those that make the groups."""
        return {("group",): self.group}

    def mistakes(self, context: Context) -> Iterator[Mistake]:
        """No bound, or a bound in the wrong direction."""
        is_ratio = self.metric.endswith("ratio")
        right, wrong = ("at_least", "at_most") if is_ratio else ("at_most", "at_least")
        if getattr(self, wrong) is not None:
            better, what = ("greater", "ratio") if is_ratio else ("smaller", "difference")
            message = f"a {better} {what} is fairer, but this gate requires the opposite"
            yield Mistake(message=message, label=Hint(f"did you mean '{right}'?", (right,)), at=(wrong,), key=True)
        elif getattr(self, right) is None:
            yield Mistake(message="this gate has no bound", label=f"add {right}")

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the greatest difference between two groups; groups of too few rows forbid a pass."""
        side = "at_least" if params.get("at_least") is not None else "at_most"
        bound, by = params[side], " and ".join(params["group"])
        text = f"{params['metric']} by {by} {side.replace('_', ' ')} {bound:g}"
        asked = {key: params[key] for key in ("metric", "group", "minimum_rows")}
        entries = measured.get("fairness", ())
        found = next((entry for entry in entries if all(entry[key] == asked[key] for key in asked)), None)
        if found is None:
            return not_measured(text, bound)
        verdict = by_interval(text, found, found["n"], bound, at_least=side == "at_least")
        small = [", ".join(values) for values in found["too_few"]]
        few = f"too few rows to judge {'; '.join(small[:5])}{' and others' if len(small) > 5 else ''}"
        few += f" (fewer than {params['minimum_rows']})"
        if found["value"] is None:
            return replace(verdict, reason=few if small else "there are no two groups to compare")
        one, other = (", ".join(values) for values in found["pair"])
        reason = f"{verdict.reason} (largest between {one} and {other})"
        if small and verdict.verdict == "pass":
            return replace(verdict, verdict="unknown", reason=f"{few}; the others: {reason}")
        return replace(verdict, reason=reason)
