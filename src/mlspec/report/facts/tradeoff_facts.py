"""What mitigation costs and buys, as frozen values: a part of ``RunFacts``."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.report.facts.evaluation_facts import Estimate, Group


class ScorePair(Struct, frozen=True, kw_only=True):
    """A metric without and with mitigation, and by how much it is better with: below zero is what mitigation costs."""

    metric: str
    greater_is_better: bool = True
    before: Estimate
    after: Estimate
    gain: Estimate


class Treatment(Struct, frozen=True, kw_only=True):
    """How groups are treated: each group's rates, and the greatest difference by each measure."""

    groups: tuple[Group, ...] = ()
    differences: dict[str, Estimate] = {}


class TradeoffPoint(Struct, frozen=True, kw_only=True):
    """What a bound comes to: the difference between groups, and the cost of mistakes per row."""

    bound: float | None = None
    difference: float | None = None
    cost: float


class Tradeoff(Struct, frozen=True, kw_only=True):
    """The selected model with mitigation held against the same without, on the validation rows."""

    method: str
    group: tuple[str, ...]
    metric: str | None = None
    at_most: float | None = None
    lawful_basis: Annotated[str, Meta(description="the lawful basis for using group membership in decisions")] = ""
    rows: int
    level: float
    scores: tuple[ScorePair, ...] = ()
    before: Treatment
    after: Treatment
    curve: Annotated[tuple[TradeoffPoint, ...], Meta(description="for other bounds, or for the fitted models")] = ()
    thresholds: Annotated[dict[str, float] | None, Meta(description="per group, where groups have their own")] = None
    common_threshold: Annotated[float | None, Meta(description="for groups that have none of their own")] = None
    kept: Annotated[
        bool | None, Meta(description="whether a fitted model satisfied the bound on the validation rows")
    ] = None
