"""The ``project.users`` key: how a prediction meets a person, and what its mistakes cost."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName, Share


class LeastShare(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share that must be reached."""

    at_least: Annotated[Share, Meta(description="The least share that will do, from 0 to 1.")]


class Mistakes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the two kinds of wrong decisions cost, in one unit of your choice; sets the threshold of the decision."""

    false_positive: Annotated[float, Meta(description="The cost of a negative that is called positive.", gt=0)] = 1.0
    false_negative: Annotated[float, Meta(description="The cost of a positive that is called negative.", gt=0)] = 1.0
    recall: Annotated[
        LeastShare | None,
        Meta(description="Only thresholds that find this share of the positives, on the validation rows, may be used."),
    ] = None
    precision: Annotated[
        LeastShare | None,
        Meta(description="Only thresholds whose positives are right this often, on the validation rows, may be used."),
    ] = None


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a user would make it, and the answer that is expected."""

    row: Annotated[
        dict[ColumnName, Any],
        Meta(description="The columns of the request; those left out are missing.", min_length=1),
    ]
    answer: Annotated[str | None, Meta(description="The class that must be decided for.")] = None
    at_least: Annotated[
        float | None, Meta(description="The least number, or probability of the positive class, that is right.")
    ] = None
    at_most: Annotated[
        float | None, Meta(description="The greatest number, or probability of the positive class, that is right.")
    ] = None


class Users(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a prediction meets a person."""

    decision: Annotated[
        str,
        Meta(description="What is done with a prediction, and by whom; shown in the report.", extra={"prose": True}),
    ] = ""
    trigger: Annotated[
        Literal["on_request", "stream", "batch"] | None,
        Meta(
            description="When predictions are made. On request and in a stream a bound on the latency must be stated, "
            "in batches one on the throughput."
        ),
    ] = None
    examples: Annotated[
        tuple[Example, ...],
        Meta(description="Requests with their answers: the exported model is asked, and a gate decides."),
    ] = ()
    mistakes: Annotated[
        Mistakes | None,
        Meta(
            description="What wrong decisions cost: the threshold of least cost is chosen on the validation rows, and "
            "`expected_cost` is measured on the test rows."
        ),
    ] = None
    abstain_below: Annotated[
        float | None,
        Meta(
            description="A prediction whose likeliest class is less probable than this is handed to a person.",
            gt=0,
            lt=1,
        ),
    ] = None
