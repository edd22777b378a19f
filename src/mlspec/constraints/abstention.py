"""Bounds on automatic decisions where other rows go to a person."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Mistake, Params, Records
from mlspec.plugins.keys import AT_LEAST, AT_MOST, Share
from mlspec.plugins.verdict import Verdict, by_interval, not_measured

SIDES = {"coverage": "at_least", "risk": "at_most"}
WORDS = {"coverage": "share of automatic decisions", "risk": "error rate of automatic decisions"}


class Abstention(Constraint, frozen=True, kw_only=True):
    """Bounds on the coverage and error rate of decisions without a person, on the test rows
    (`project.users.abstain_below`).

    Why: a model that sends every row to a person is never wrong, but useless.

    Example:
        abstention: {coverage_at_least: 0.8, risk_at_most: 0.05}
    """

    rank: ClassVar[int] = 30
    on_test_rows: ClassVar[bool] = True

    coverage_at_least: Annotated[
        Share | None,
        Meta(description="The lowest allowed coverage: the share of rows decided without a person.", extra=AT_LEAST),
    ] = None
    risk_at_most: Annotated[
        Share | None,
        Meta(description="The highest allowed error rate among the rows decided without a person.", extra=AT_MOST),
    ] = None

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for each bound."""
        for what, side in SIDES.items():
            bound = getattr(self, f"{what}_{side}")
            if bound is not None:
                yield Check(name=what, at=(f"{what}_{side}",), params={"what": what, side: bound})

    def mistakes(self, context: Context) -> Iterator[Mistake]:
        """No bound, or no row that goes to a person."""
        if self.coverage_at_least is None and self.risk_at_most is None:
            yield Mistake(message="this gate has no bound", label="add coverage_at_least or risk_at_most")
        if not context.abstains:
            message = "no prediction goes to a person, because project.users.abstain_below is not set"
            yield Mistake(
                message=message, label="add project.users.abstain_below", key=True, code="decisions-do-not-fit-task"
            )

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the share."""
        what = params["what"]
        side = SIDES[what]
        text = f"{WORDS[what]} {side.replace('_', ' ')} {params[side]:g}"
        found = ((measured.get("decisions") or {}).get("abstention") or {}).get(what)
        if found is None:
            return not_measured(text, params[side])
        n = 0 if found["value"] is None else found["n"]
        return by_interval(text, found, n, params[side], at_least=side == "at_least")
