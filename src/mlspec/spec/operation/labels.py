"""``operation.labels``: the true outcomes of served predictions."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Seconds


class Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the true outcomes of served predictions come from: a table with a key, the target, and a time if known."""

    source: Annotated[
        str,
        Meta(
            description="The file with the labels, of any format that a source can have; relative to the folder in "
            "which the command runs. `mlspec monitor LOG LABELS` names another.",
            examples=["outcomes.parquet"],
            min_length=1,
            extra={"prose": True},
        ),
    ]
    key: Annotated[
        str,
        Meta(
            description="The column with the id of the request, as the log has it. A column `row` says which row of "
            "the request; without one, a request has one row."
        ),
    ] = "request_id"
    time: Annotated[
        str | None,
        Meta(description="The column with the time at which a label became known; the last one of a row counts."),
    ] = None
    within: Annotated[
        Seconds | None,
        Meta(
            description="By when labels are complete. Quality is judged on requests that are older, so that labels "
            "which arrive early do not decide alone; at once if left out.",
            examples=["30d"],
        ),
    ] = None
    share: Annotated[
        float,
        Meta(
            description="The share of requests that get a label, drawn at random. With fewer than 90 % of "
            "these, quality does not pass.",
            gt=0,
            le=1,
        ),
    ] = 1.0
