"""The ``project.users`` key: how a prediction meets a person, and what its mistakes cost."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName, Share


class LeastShare(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share that must be reached."""

    at_least: Annotated[Share, Meta(description="The lowest acceptable share, from 0 to 1.")]


class Mistakes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the two kinds of wrong decisions cost, in one unit of your choice; sets the threshold of the decision."""

    false_positive: Annotated[
        float, Meta(description="The cost of a false positive: a negative predicted as positive.", gt=0)
    ] = 1.0
    false_negative: Annotated[
        float, Meta(description="The cost of a false negative: a positive predicted as negative.", gt=0)
    ] = 1.0
    recall: Annotated[
        LeastShare | None,
        Meta(description="Only thresholds with at least this recall on the validation rows may be used."),
    ] = None
    precision: Annotated[
        LeastShare | None,
        Meta(description="Only thresholds with at least this precision on the validation rows may be used."),
    ] = None


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request as a user would make it, and the answer that is expected."""

    row: Annotated[
        dict[ColumnName, Any],
        Meta(description="The columns of the request; columns left out are missing.", min_length=1),
    ]
    answer: Annotated[str | None, Meta(description="The class that must be predicted.")] = None
    at_least: Annotated[
        float | None, Meta(description="The lowest correct number, or probability of the positive class.")
    ] = None
    at_most: Annotated[
        float | None, Meta(description="The highest correct number, or probability of the positive class.")
    ] = None


class Users(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a prediction meets a person."""

    decision: Annotated[
        str,
        Meta(
            description="The decision made with a prediction, and who makes it; shown in the report and the model "
            "card.",
            examples=["a ranked list; a person decides whom to write to"],
            extra={"prose": True},
        ),
    ] = ""
    trigger: Annotated[
        Literal["on_request", "stream", "batch"] | None,
        Meta(
            description="When predictions are made. With on_request and stream, a bound on the latency must be "
            "stated; with batch, one on the throughput."
        ),
    ] = None
    examples: Annotated[
        tuple[Example, ...],
        Meta(
            description="Example requests with expected answers: the exported model predicts them, and a gate decides."
        ),
    ] = ()
    mistakes: Annotated[
        Mistakes | None,
        Meta(
            description="The costs of wrong decisions: the threshold with the lowest cost is chosen on the "
            "validation rows, and `expected_cost` is measured on the test rows."
        ),
    ] = None
    abstain_below: Annotated[
        float | None,
        Meta(
            description="Predictions whose most probable class has a lower probability go to a person.",
            gt=0,
            lt=1,
        ),
    ] = None
