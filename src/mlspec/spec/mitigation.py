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
            description="reweighing: training rows count so that group and target look independent. thresholds: each "
            "group is decided by a threshold of its own, chosen on the validation rows. constrained: models are fitted "
            "with a price on the difference until the decisions keep to the bound."
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
        Meta(description="The bound that they keep to, on the rows that they look at; new rows may lie above it."),
    ] = None
    lawful_basis: Annotated[
        str,
        Meta(
            description="Why people may be decided on by their group, and who says so: without it `thresholds` is an "
            "error. The report and the model card show it.",
            extra={"prose": True},
        ),
    ] = ""
    minimum_rows: Annotated[
        int,
        Meta(
            description="A group whose rates rest on fewer rows is left as it is: it has the common threshold, no "
            "bound, and is not judged.",
            ge=2,
        ),
    ] = 30
    rounds: Annotated[int, Meta(description="How many models `constrained` fits for each candidate.", ge=2, le=200)] = (
        12
    )
