"""What must be true of the data: ``data.expect``, one module because it is a language of its own."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName, Name, Seconds, Share

ROW_CHECKS = ("between", "allowed", "matches", "length", "holds", "unique", "refers_to")
COLUMN_CHECKS = ("between", "missing", "unique", "allowed", "type", "matches", "length", "distinct", "sum", "mean",
                 "quantile", "groups", "refers_to", "freshness", "drift", "anomalies", "unseen")  # fmt: skip

SPREADS = frozenset({"drift", "anomalies", "unseen"})  # which compare all values of a column
APART = frozenset({"unique", "distinct", "quantile"})  # of which no merged figures of parts can tell
MERGED = frozenset({"rows", "holds", "between", "missing", "allowed", "matches", "length", "sum", "mean", "groups",
                    "refers_to", "freshness"})  # fmt: skip


class Bounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lower and an upper bound; at least one of them."""

    at_least: Annotated[float | None, Meta(description="The lowest allowed value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest allowed value.")] = None


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a figure may be from what mlspec.lock has pinned, up or down."""

    at_most: Annotated[
        float, Meta(description="The largest allowed relative change: 0.5 is half of the pinned value.", gt=0)
    ]


class Rows(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many rows there are: bounds, or how far from the number that mlspec.lock has pinned."""

    at_least: Annotated[float | None, Meta(description="The lowest allowed value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest allowed value.")] = None
    change: Annotated[
        Change | None,
        Meta(
            description="How many groups may have appeared or disappeared since mlspec.lock pinned them, as a share "
            "of the pinned ones.",
            examples=[{"at_most": 0.5}],
        ),
    ] = None


class Missing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The share of missing values: bounds, or how far from the share that mlspec.lock has pinned."""

    at_least: Annotated[float | None, Meta(description="The lowest allowed value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest allowed value.")] = None
    change: Annotated[
        Change | None,
        Meta(
            description="By how much the share may differ from the pinned one: 0.05 allows 10% to become 15% or 5%.",
            examples=[{"at_most": 0.05}],
        ),
    ] = None


class Quantile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a quantile."""

    at: Annotated[float, Meta(description="The quantile: 0.5 is the median.", gt=0, lt=1)]
    at_least: Annotated[float | None, Meta(description="The lowest allowed value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest allowed value.")] = None


class Groups(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of the groups of rows that have the same value."""

    count: Annotated[Bounds | None, Meta(description="The number of groups.")] = None
    rows: Annotated[Bounds | None, Meta(description="The number of rows in each group.")] = None
    share: Annotated[Bounds | None, Meta(description="Each group's share of the rows.")] = None


class Reference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column of another source."""

    source: Annotated[Name, Meta(description="The source that contains the values.")]
    column: Annotated[ColumnName, Meta(description="The column of that source.")]


class Freshness(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How old the newest row may be, on the day of the run."""

    at_most: Annotated[Seconds, Meta(description="The maximum age in days.", examples=["30d"])]


class Drift(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the values may be spread otherwise than those that mlspec.lock has pinned; psi at most 0.2 if nothing is
    stated."""

    psi: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="The highest allowed population stability index: below 0.1 is a small change, above 0.25 a "
            "large one."
        ),
    ] = None
    ks: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(description="The largest allowed Kolmogorov-Smirnov statistic, for numbers."),
    ] = None
    chi_squared: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(
            description="The lowest allowed p-value of a chi-squared test, for categories; with many rows it is "
            "always small."
        ),
    ] = None


class Anomalies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many values may be beyond Tukey's fences: so many distances of the quartiles below the lower one, or above
    the upper one. The quartiles are those that mlspec.lock has pinned, else those of the data itself. Of several
    `columns` it bounds rows in which some of them do so together."""

    at_most: Annotated[Share, Meta(description="The highest allowed share of rows with an outlier.")] = 0.01
    reach: Annotated[
        float,
        Meta(
            description="How many interquartile ranges (IQR) outside the quartiles a value must be: 1.5 is far, 3 "
            "very far.",
            gt=0,
        ),
    ] = 3.0
    together: Annotated[
        int, Meta(description="With several `columns`: in how many of them a row must be outside the fences.", ge=2)
    ] = 2


class Unseen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many rows may have a value that no row had when mlspec.lock pinned the column's values."""

    at_most: Annotated[Share, Meta(description="The highest allowed share of rows with a new value.")] = 0.0


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that must be true of the data, checked before anything is fitted: of all rows, or of one column."""

    rows: Annotated[Rows | None, Meta(description="The number of rows.")] = None
    holds: Annotated[
        str | None,
        Meta(description="An SQL expression that must be true for every row.", examples=["left_on >= came_on"]),
    ] = None
    column: Annotated[ColumnName | None, Meta(description="The column that the other keys apply to.")] = None
    columns: Annotated[
        tuple[ColumnName, ...], Meta(description="Several columns together, for `unique`, `groups` and `anomalies`.")
    ] = ()
    type: Annotated[
        Literal["integer", "number", "boolean", "category", "date", "datetime", "image"] | None,
        Meta(description="The column's type; a different type is an error before anything runs."),
    ] = None
    between: Annotated[
        tuple[float, float] | None,
        Meta(description="Every value is in this range, ends included.", examples=[[16, 100]]),
    ] = None
    missing: Annotated[Missing | None, Meta(description="The share of missing values, from 0 to 1.")] = None
    unique: Annotated[bool | None, Meta(description="true: no value, or combination of values, occurs twice.")] = None
    allowed: Annotated[
        tuple[str | int | float | bool, ...] | None,
        Meta(description="Every value that is not missing is one of these."),
    ] = None
    matches: Annotated[str | None, Meta(description="A regular expression that every value matches in full.")] = None
    length: Annotated[Bounds | None, Meta(description="The number of characters of each value.")] = None
    distinct: Annotated[Bounds | None, Meta(description="The number of distinct values.")] = None
    sum: Annotated[Bounds | None, Meta(description="The sum of all values.")] = None
    mean: Annotated[Bounds | None, Meta(description="The mean of all values.")] = None
    quantile: Annotated[Quantile | None, Meta(description="A quantile of all values.")] = None
    groups: Annotated[Groups | None, Meta(description="The groups of rows with the same value.")] = None
    refers_to: Annotated[
        Reference | None, Meta(description="Every value that is not missing exists in a column of another source.")
    ] = None
    freshness: Annotated[Freshness | None, Meta(description="The age of the newest date in the column.")] = None
    drift: Annotated[Drift | None, Meta(description="How far the distribution may have moved since it was pinned.")] = (
        None
    )
    anomalies: Annotated[
        Anomalies | None,
        Meta(description="How many numbers may be outliers.", examples=[{"at_most": 0.01}]),
    ] = None
    unseen: Annotated[
        Unseen | None,
        Meta(description="How many rows may have a value that was not pinned.", examples=[{"at_most": 0.01}]),
    ] = None
    source: Annotated[
        Name | None, Meta(description="The source whose rows are checked; the rows used by the project if left out.")
    ] = None
    tolerance: Annotated[Share, Meta(description="The share of rows that may violate a check of single rows.")] = 0.0
    severity: Annotated[
        Literal["error", "warn"], Meta(description="Whether a violation stops the run, or is only reported.")
    ] = "error"
    on_fail: Annotated[
        Literal["stop", "drop_rows", "quarantine"],
        Meta(
            description="What happens to rows that violate a check of single rows: stop the run, drop them, or drop "
            "them and store them separately. With `tolerance`, a larger share of them always stops the run."
        ),
    ] = "stop"

    def asks(self, *keys: str) -> bool:
        """Whether one of these keys is given."""
        return any(getattr(self, key) not in (None, ()) for key in keys)

    def checks_rows(self) -> bool:
        """Whether it is about single rows, so that some can be left out: a column without missing values too."""
        bounded = self.missing is not None and self.missing.at_most == 0
        return self.asks(*ROW_CHECKS) or bounded

    def shows_rows(self) -> bool:
        """Whether rows that break it, or their groups, can be shown."""
        return self.checks_rows() or self.asks("groups", "anomalies", "unseen")

    def reads(self) -> set[str]:
        """The columns that it names, those of its expression aside."""
        return {name for name in (self.column, *self.columns) if name is not None}


def measured_by_parts(asked: Mapping[str, Any]) -> bool:
    """Whether something of an expectation (as ``stated`` gives it) can be measured in parts of the rows and merged."""
    return not asked.keys() & SPREADS and bool(asked.keys() & MERGED)


def needs_all_rows(asked: Mapping[str, Any]) -> bool:
    """Whether something of it can only be measured of all rows together."""
    return bool(asked.keys() & (SPREADS | APART))


def stated(expectation: Expectation) -> dict[str, Any]:
    """An expectation as params hold it: what is said, defaults left out; the type has been checked by then."""
    fields = msgspec.to_builtins(expectation)
    plain = {name: getattr(Expectation(), name) for name in ("tolerance", "severity", "on_fail")}
    kept = {k: v for k, v in fields.items() if v not in (None, ()) and plain.get(k) != v and k != "type"}
    for key, inner in (("rows", "change"), ("missing", "change"), ("anomalies", "together")):
        if key in kept and (kept[key][inner] is None or (inner == "together" and not expectation.columns)):
            kept[key] = {k: v for k, v in kept[key].items() if k != inner}
    return msgspec.json.decode(msgspec.json.encode(kept))  # type: ignore[no-any-return]
