"""The ``data`` key: where rows come from, what the columns are, what must be true of them, how they are split."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.expect import Expectation
from mlspec.spec.privacy import Personal
from mlspec.spec.types import ColumnName, Name, Seconds, Share, SourceUse

StatedType = Literal["integer", "number", "boolean", "category", "date", "datetime", "image"]


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each column is for; a column not named here is a feature whose type is read from the data."""

    target: Annotated[ColumnName, Meta(description="The column to predict.", examples=["income"])]
    positive: Annotated[
        str | None,
        Meta(description="The positive class of the target; the last in sorted order if left out."),
    ] = None
    transform: Annotated[
        Literal["log"] | None,
        Meta(
            description="The scale on which models learn a target that is always above zero; predictions are in the "
            "target's own unit."
        ),
    ] = None
    features: Annotated[
        tuple[ColumnName, ...] | None,
        Meta(description="The columns that a model uses; all columns without another role if left out."),
    ] = None
    id: Annotated[ColumnName | None, Meta(description="The column that identifies a row; never a feature.")] = None
    weight: Annotated[
        ColumnName | None,
        Meta(
            description="The weight of each row in training, a number of at least 0; never a feature. Metrics count "
            "every row once."
        ),
    ] = None
    sensitive: Annotated[
        tuple[ColumnName, ...],
        Meta(description="Columns about people that no model uses unless `use_sensitive` names them."),
    ] = ()
    use_sensitive: Annotated[tuple[ColumnName, ...], Meta(description="Sensitive columns that models may use.")] = ()
    drop: Annotated[
        tuple[Annotated[str, Meta(extra={"column": True})], ...],
        Meta(description="Columns to leave out; an empty name for the column without one."),
    ] = ()
    types: Annotated[
        dict[ColumnName, StatedType], Meta(description="Column types, where type inference would be wrong.")
    ] = {}


class AsOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A join by time: each row gets the last values that were known at its own moment, never later ones."""

    row: Annotated[
        ColumnName, Meta(description="The column with the time of the row: when its prediction would be made.")
    ]
    source: Annotated[
        ColumnName, Meta(description="The joined source's column with the time at which its values became known.")
    ]
    within: Annotated[Seconds | None, Meta(description="Older values count as missing.", examples=["2d"])] = None
    before: Annotated[
        bool, Meta(description="Use only values known before the time of the row, not those from the same instant.")
    ] = False


class Join(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of another source, brought to each row."""

    source: Annotated[Name, Meta(description="The source to join; its rows are not stacked with the other sources.")]
    keys: Annotated[
        Annotated[tuple[ColumnName, ...], Meta(extra={"one": True}, max_length=8)],
        Meta(
            description="The columns to join by; both sides have them. The joined source must have no duplicates of "
            "them."
        ),
    ] = ()
    as_of: Annotated[
        AsOf | None, Meta(description="Join by time: use the last values known at the time of the row.")
    ] = None
    how: Annotated[
        Literal["left", "inner"],
        Meta(description="What happens to a row without a match: it keeps missing values, or it is dropped."),
    ] = "left"
    columns: Annotated[
        tuple[ColumnName, ...] | None, Meta(description="The columns to add; all except the keys if left out.")
    ] = None
    prefix: Annotated[str, Meta(description="A prefix for the names of the added columns.")] = ""


class Split(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows become training, validation and test rows."""

    by: Annotated[
        Literal["random", "stratified", "group", "hash", "time", "given"],
        Meta(
            description="random; stratified: each part has the same shares of the target's classes (or of `column`); "
            "group: rows with the same `column` stay together; hash: like group, but each value's part depends only "
            "on the value and the seed, so new rows never move old ones; time: the last rows by `column` are the "
            "test rows; given: `column` or each source's `part` states it."
        ),
    ] = "random"
    column: Annotated[
        ColumnName | None, Meta(description="The column that group, hash, time and given (and stratified) use.")
    ] = None
    stratify: Annotated[
        ColumnName | None,
        Meta(description="For group: a column whose shares are kept in each part as far as whole groups allow."),
    ] = None
    gap: Annotated[
        int | float | str | None,
        Meta(
            description="For time: leave out rows less than this before the first validation or test row; a duration "
            "with its unit, or a number if the column is numeric.",
            examples=["7d", 12],
        ),
    ] = None
    test: Annotated[Share, Meta(description="The share of rows for the final evaluation.")] = 0.2
    validation: Annotated[Share, Meta(description="The share of rows for early stopping and model selection.")] = 0.1
    seed: Annotated[int, Meta(description="The seed of the split.", ge=0)] = 0


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data: sources, columns, expectations, split."""

    sources: Annotated[
        dict[Name, SourceUse],
        Meta(
            description="The data sources, by name. Several sources have the same columns and are stacked, except "
            "those named by `join`.",
            min_length=1,
        ),
    ]
    columns: Annotated[Columns, Meta(description="The role of each column.")]
    personal: Annotated[
        dict[ColumnName, Personal],
        Meta(
            description="The personal data in each column, and how it is anonymised while its source is read.",
            examples=[{"email": {"kind": "direct_identifier", "action": "drop"}}],
        ),
    ] = {}
    join: Annotated[
        tuple[Join, ...],
        Meta(description="Columns to add to each row from other sources, applied in order."),
    ] = ()
    derive: Annotated[
        dict[ColumnName, str],
        Meta(
            description="New columns, each an SQL expression over the columns of its row.",
            examples=[{"rooms_each": "rooms / GREATEST(people, 1)"}],
        ),
    ] = {}
    filter: Annotated[
        str | None,
        Meta(description="An SQL expression; only rows for which it is true are kept.", examples=["age >= 18"]),
    ] = None
    expect: Annotated[
        tuple[Expectation, ...],
        Meta(description="Expectations of the data, checked before anything is fitted."),
    ] = ()
    split: Annotated[Split, Meta(description="How rows are split into training, validation and test rows.")] = Split()
    sample: Annotated[
        int | None, Meta(description="Use only this many rows, sampled evenly; for a quick try.", ge=10)
    ] = None
