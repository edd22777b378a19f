"""What the data says of people, and what is done to it: ``data.personal``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import PluginRef

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
