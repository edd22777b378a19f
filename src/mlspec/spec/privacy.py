"""What the data says of people, and what must hold of that: ``data.personal`` and ``constraints.privacy``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import PluginRef
from mlspec.spec.types import ColumnName

AnonymizerRef = Annotated[PluginRef, Meta(extra={"plugin_list": "anonymizers"})]


class Personal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The personal data in a column, and how it is anonymised while its source is read."""

    kind: Annotated[
        Literal["direct_identifier", "quasi_identifier", "sensitive", "public"],
        Meta(
            description="direct_identifier: identifies a person (a name, an email address); no model uses it. "
            "quasi_identifier: may identify a person in combination with others (age, postcode). sensitive: what a "
            "person may want to keep private. public: reviewed, and none of these."
        ),
    ]
    action: Annotated[
        AnonymizerRef | None,
        Meta(
            description="How the column is anonymised while its source is read; later steps never see the original "
            "values. Required for every column that is not public.",
            examples=["drop", {"hash": "CUSTOMER_KEY"}, {"prefix": 3}, {"keep": "Risk grows with age."}],
        ),
    ] = None


class KAnonymity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of each combination of values that occurs there are at least so many rows."""

    columns: Annotated[
        tuple[ColumnName, ...],
        Meta(description="The columns that could identify a person together, after anonymisation.", min_length=1),
    ]
    k: Annotated[int, Meta(description="The lowest allowed number of rows that share a combination of values.", ge=2)]


class LDiversity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sensitive value cannot be inferred from a combination: its rows have at least this many distinct ones."""

    columns: Annotated[
        tuple[ColumnName, ...],
        Meta(description="The columns that could identify a person together, after anonymisation.", min_length=1),
    ]
    sensitive: Annotated[ColumnName, Meta(description="The sensitive column whose values must vary.")]
    l: Annotated[  # noqa: E741 (the measure's name)
        int, Meta(description="The lowest allowed number of distinct values among the rows of a combination.", ge=2)
    ]


class Membership(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well an attacker who sees the model's predictions may infer which rows it was trained on."""

    at_most: Annotated[
        float,
        Meta(
            description="Bound on the ROC AUC of the attack: 0.5 is chance, 1 is perfect. The whole interval must be "
            "below the bound.",
            ge=0.5,
            le=1,
        ),
    ]


class DifferentialPrivacy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the selected model's weights may reveal about any single training row."""

    epsilon: Annotated[float, Meta(description="The highest allowed epsilon of the training.", gt=0)]
    delta: Annotated[float, Meta(description="The highest allowed delta of the training.", gt=0, lt=1)]


class PrivacyGates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Constraints on personal data."""

    direct_identifiers: Annotated[
        Literal["forbid"] | None,
        Meta(
            description="forbid: no direct identifier may be kept, and no cell read by later steps may look like an "
            "email address, a telephone, card or account number, or an IP address."
        ),
    ] = None
    k_anonymity: Annotated[
        KAnonymity | None, Meta(description="The number of rows that share a combination of values.")
    ] = None
    l_diversity: Annotated[
        LDiversity | None, Meta(description="The number of distinct sensitive values among such rows.")
    ] = None
    membership: Annotated[
        Membership | None, Meta(description="Bound on a membership inference attack on the model.")
    ] = None
    differential_privacy: Annotated[
        DifferentialPrivacy | None,
        Meta(
            description="The selected model must be trained by DP-SGD (`private` of `torch.*`) within this budget; a "
            "model that was not fails.",
            examples=[{"epsilon": 3, "delta": 1e-5}],
        ),
    ] = None
