"""The ``model.mitigation`` key: what is done so that decisions treat groups of people less differently."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Columns, Share

MitigationMetric = Literal["demographic_parity_difference", "equal_opportunity_difference", "equalized_odds_difference"]


class Mitigation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done so that groups of people are treated less differently. The report shows what it costs and buys."""

    method: Annotated[
        Literal["reweighing", "thresholds", "constrained"],
        Meta(
            description="reweighing: training rows are weighted so that group and target look independent. "
            "thresholds: each group has its own decision threshold, chosen on the validation rows. constrained: "
            "models are fitted with a penalty on the difference until their decisions satisfy the bound."
        ),
    ]
    group: Annotated[
        Columns,
        Meta(
            description="The sensitive column whose values are the groups, or several for their intersections.",
            examples=["sex", ["sex", "race"]],
        ),
    ]
    metric: Annotated[
        MitigationMetric | None,
        Meta(description="The difference that thresholds and constrained bound, as `constraints.fairness` names it."),
    ] = None
    at_most: Annotated[
        Share | None,
        Meta(description="The bound, on the rows used for fitting or choosing; new rows may exceed it."),
    ] = None
    lawful_basis: Annotated[
        str,
        Meta(
            description="The lawful basis for using group membership in decisions, and who confirms it: without it "
            "`thresholds` is an error. The report and the model card show it.",
            extra={"prose": True},
        ),
    ] = ""
    minimum_rows: Annotated[
        int,
        Meta(
            description="A group with fewer rows behind a rate is not adjusted: it gets the common threshold, no "
            "bound, and no verdict.",
            ge=2,
        ),
    ] = 30
    rounds: Annotated[
        int, Meta(description="The number of models that `constrained` fits for each candidate.", ge=2, le=200)
    ] = 12
