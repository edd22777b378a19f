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
        Meta(description="The target's value that counts as positive; the last in sorted order if left out."),
    ] = None
    transform: Annotated[
        Literal["log"] | None,
        Meta(
            description="The scale on which models learn a number that is always above zero; predictions come back in "
            "the target's own unit."
        ),
    ] = None
    features: Annotated[
        tuple[ColumnName, ...] | None,
        Meta(description="The columns a model sees; all that have no other role if left out."),
    ] = None
    id: Annotated[ColumnName | None, Meta(description="The column that names a row; never a feature.")] = None
    weight: Annotated[
        ColumnName | None,
        Meta(
            description="The column that says how much a row counts in training, a number of at least 0; never a "
            "feature. Metrics count every row once."
        ),
    ] = None
    sensitive: Annotated[
        tuple[ColumnName, ...],
        Meta(description="Columns about people that no model sees unless `use_sensitive` says so."),
    ] = ()
    use_sensitive: Annotated[
        tuple[ColumnName, ...], Meta(description="Sensitive columns that a model may see all the same.")
    ] = ()
    drop: Annotated[tuple[ColumnName, ...], Meta(description="Columns to leave out altogether.")] = ()
    types: Annotated[
        dict[ColumnName, StatedType], Meta(description="Types that reading the data would get wrong.")
    ] = {}


class AsOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A join by time: each row gets the last values that were known at its own moment, never later ones."""

    row: Annotated[ColumnName, Meta(description="The row's moment: when its prediction would be made.")]
    source: Annotated[ColumnName, Meta(description="The joined source's moment: when its values became known.")]
    within: Annotated[Seconds | None, Meta(description="Values older than this count as missing.", examples=["2d"])] = (
        None
    )
    before: Annotated[
        bool, Meta(description="Only values known before the row's moment, not those of the very moment.")
    ] = False


class Join(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of another source, brought to each row."""

    source: Annotated[Name, Meta(description="The source that gives them; its rows are not stacked with the others.")]
    keys: Annotated[
        Annotated[tuple[ColumnName, ...], Meta(extra={"one": True}, max_length=8)],
        Meta(
            description="The columns that must be equal; both sides have them. Their values stand once in the source."
        ),
    ] = ()
    as_of: Annotated[AsOf | None, Meta(description="Join by time: the last values known at the row's moment.")] = None
    how: Annotated[
        Literal["left", "inner"],
        Meta(description="What becomes of a row without a match: it stays with missing values, or it goes."),
    ] = "left"
    columns: Annotated[
        tuple[ColumnName, ...] | None, Meta(description="The columns to take; all but the keys if left out.")
    ] = None
    prefix: Annotated[str, Meta(description="What is put before the names of the taken columns.")] = ""


class Split(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows become training, validation and test rows."""

    by: Annotated[
        Literal["random", "stratified", "group", "hash", "time", "given"],
        Meta(
            description="random; stratified: the target's classes (or `column`) keep their shares; group: all rows "
            "with the same `column` stay together; hash: the same, each value's part following from the value and the "
            "seed alone, so that new rows move no others; time: the last rows by `column` are the test; given: "
            "`column` or each source's `part` says it."
        ),
    ] = "random"
    column: Annotated[
        ColumnName | None, Meta(description="The column that group, hash, time and given (and stratified) read.")
    ] = None
    stratify: Annotated[
        ColumnName | None,
        Meta(description="For groups: the column whose values keep their shares as far as whole groups allow."),
    ] = None
    gap: Annotated[
        int | float | str | None,
        Meta(
            description="For time: rows less than this before the first validation or test row are left out; a time "
            "with its unit, or a number where the column is one.",
            examples=["7d", 12],
        ),
    ] = None
    test: Annotated[Share, Meta(description="The share of rows kept for the final evaluation.")] = 0.2
    validation: Annotated[Share, Meta(description="The share of rows for early stopping and selection.")] = 0.1
    seed: Annotated[int, Meta(description="The seed of the split.", ge=0)] = 0


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The data: sources, columns, expectations, split."""

    sources: Annotated[
        dict[Name, SourceUse],
        Meta(
            description="Where rows come from, by name. Several sources have the same columns and are stacked, but for "
            "those that `join` names.",
            min_length=1,
        ),
    ]
    columns: Annotated[Columns, Meta(description="What each column is for.")]
    personal: Annotated[
        dict[ColumnName, Personal],
        Meta(
            description="What columns tell of people, and what is done to them as their source is read.",
            examples=[{"email": {"kind": "direct_identifier", "action": "drop"}}],
        ),
    ] = {}
    join: Annotated[
        tuple[Join, ...],
        Meta(description="Columns of other sources for each row of the stacked ones, one after the other."),
    ] = ()
    derive: Annotated[
        dict[ColumnName, str],
        Meta(
            description="New columns, each an expression of SQL over the columns of its row.",
            examples=[{"rooms_each": "rooms / GREATEST(people, 1)"}],
        ),
    ] = {}
    filter: Annotated[
        str | None,
        Meta(description="An expression of SQL; rows for which it is not true are left out.", examples=["age >= 18"]),
    ] = None
    expect: Annotated[
        tuple[Expectation, ...],
        Meta(description="What must be true of the data, checked before anything is fitted."),
    ] = ()
    split: Annotated[Split, Meta(description="How rows become training, validation and test rows.")] = Split()
    sample: Annotated[
        int | None, Meta(description="Use only this many rows, drawn evenly; for a quick try.", ge=10)
    ] = None
