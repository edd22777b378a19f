"""What the data says of people, and what must hold of that: ``data.personal`` and ``constraints.privacy``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import PluginRef
from mlspec.spec.types import ColumnName

AnonymizerRef = Annotated[PluginRef, Meta(extra={"plugin_list": "anonymizers"})]


class Personal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a column tells of a person, and what is done to it as its source is read."""

    kind: Annotated[
        Literal["direct_identifier", "quasi_identifier", "sensitive", "public"],
        Meta(
            description="direct_identifier: it names a person (a name, an address of mail); no model sees it. "
            "quasi_identifier: with others it may (age, postcode). sensitive: what a person would not want known. "
            "public: looked at, and none of these."
        ),
    ]
    action: Annotated[
        AnonymizerRef | None,
        Meta(
            description="What is done to it as its source is read; nothing behind that sees it as it was. It must be "
            "stated of all that is not public.",
            examples=["drop", {"hash": "CUSTOMER_KEY"}, {"prefix": 3}, {"keep": "Risk grows with age."}],
        ),
    ] = None


class KAnonymity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of each combination of values that occurs there are at least so many rows."""

    columns: Annotated[
        tuple[ColumnName, ...],
        Meta(description="The columns by which somebody might be found, as they are after treatment.", min_length=1),
    ]
    k: Annotated[int, Meta(description="The least number of rows that share a combination.", ge=2)]


class LDiversity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever finds somebody's combination still can't tell the sensitive value: at least so many stand there."""

    columns: Annotated[
        tuple[ColumnName, ...],
        Meta(description="The columns by which somebody might be found, as they are after treatment.", min_length=1),
    ]
    sensitive: Annotated[ColumnName, Meta(description="The column whose values must differ.")]
    l: Annotated[  # noqa: E741 (the measure's name)
        int, Meta(description="The least number of distinct values among the rows of a combination.", ge=2)
    ]


class Membership(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well an attacker who sees the model's answers may tell which rows it was trained on."""

    at_most: Annotated[
        float,
        Meta(
            description="Bound on the attack's ROC AUC: 0.5 is chance, 1 tells all. The whole interval must lie below.",
            ge=0.5,
            le=1,
        ),
    ]


class DifferentialPrivacy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the selected model's weights may tell of any one training row."""

    epsilon: Annotated[float, Meta(description="The training's epsilon is at most this.", gt=0)]
    delta: Annotated[float, Meta(description="The training's delta is at most this.", gt=0, lt=1)]


class PrivacyGates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of what the data tells of people."""

    direct_identifiers: Annotated[
        Literal["forbid"] | None,
        Meta(
            description="forbid: none may be kept, and no cell that the steps behind the sources read may look like an "
            "address of mail, a telephone, card or account number, or an IP address."
        ),
    ] = None
    k_anonymity: Annotated[KAnonymity | None, Meta(description="Rows that share a combination of values.")] = None
    l_diversity: Annotated[LDiversity | None, Meta(description="Sensitive values among such rows.")] = None
    membership: Annotated[Membership | None, Meta(description="Bound on telling the model's training rows.")] = None
    differential_privacy: Annotated[
        DifferentialPrivacy | None,
        Meta(
            description="The selected model was trained by DP-SGD (`private` of `torch.*`) within this budget; one "
            "that was not fails.",
            examples=[{"epsilon": 3, "delta": 1e-5}],
        ),
    ] = None
