"""What the data says of people, and what is done to it: ``data.personal``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import PluginRef

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
