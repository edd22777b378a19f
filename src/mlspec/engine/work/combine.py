"""Makes rows of several sources: joins, derived columns, the filter."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.engine.job import Job

if TYPE_CHECKING:
    import polars as pl

ROW, MOMENT, KNOWN = "__row__", "__moment__", "__known__"


def run(job: Job) -> None:
    """``table``, ``join.*`` -> ``table``; rows keep their order.

    Raises StepError where a joined source has more than one row for a key, or the filter leaves no row.
    """
    import polars as pl

    from mlspec.engine import tables
    from mlspec.engine.derive import derived

    params = job.params
    rows = tables.scan(job.inputs["table"])
    for join in params["joins"]:
        other = tables.scan(job.inputs[f"join.{join['source']}"])
        rows = _by_time(rows, other, join) if join["as_of"] else _by_keys(rows, other, join)
    rows = derived(rows, params["derive"])
    if params["filter"] is not None:
        rows = rows.filter(pl.sql_expr(params["filter"]))
    tables.write(rows.select([name for name, _kind in params["columns"]]), job.outputs["table"])
    if not tables.scan(job.outputs["table"]).head(1).collect().height:
        raise StepError("the filter leaves no row" if params["filter"] is not None else "the joins leave no row")


def _by_keys(rows: "pl.LazyFrame", other: "pl.LazyFrame", join: dict[str, Any]) -> "pl.LazyFrame":
    """Each row with the one row that has the same keys."""
    import polars as pl

    keys = join["keys"]
    _unique(other, keys, join["source"])
    right = other.select([*keys, *(pl.col(theirs).alias(name) for theirs, name in join["columns"].items())])
    return rows.join(right, on=keys, how=join["how"], maintain_order="left")


def _by_time(rows: "pl.LazyFrame", other: "pl.LazyFrame", join: dict[str, Any]) -> "pl.LazyFrame":
    """Each row with the last row that was known at its moment."""
    import polars as pl

    keys, as_of, names = join["keys"], join["as_of"], join["columns"]
    other = other.filter(pl.col(as_of["source"]).is_not_null())
    _unique(other, [*keys, as_of["source"]], join["source"])
    moment = pl.Datetime("us")
    right = other.select(
        [
            *keys,
            pl.col(as_of["source"]).cast(moment).alias(KNOWN),
            *(pl.col(theirs).alias(name) for theirs, name in names.items()),
        ]
    )
    left = rows.with_row_index(ROW).with_columns(pl.col(as_of["row"]).cast(moment).alias(MOMENT))
    timed = left.filter(pl.col(MOMENT).is_not_null()).sort(MOMENT)
    found = timed.join_asof(
        right.sort(KNOWN),
        left_on=MOMENT,
        right_on=KNOWN,
        by=keys or None,
        strategy="backward",
        tolerance=None if as_of["within"] is None else timedelta(seconds=as_of["within"]),
        allow_exact_matches=not as_of["before"],
        coalesce=False,
        check_sortedness=False,
    )
    if join["how"] == "inner":
        found = found.filter(pl.col(KNOWN).is_not_null())
        return found.sort(ROW).drop(ROW, MOMENT, KNOWN)
    # A row without a moment has seen nothing.
    without = left.filter(pl.col(MOMENT).is_null())
    return pl.concat([found.drop(KNOWN), without], how="diagonal_relaxed").sort(ROW).drop(ROW, MOMENT)


def _unique(other: "pl.LazyFrame", keys: list[str], source: str) -> None:
    """A key that stands twice would make two rows of one."""
    import polars as pl

    twice = other.select(keys).group_by(keys).len().filter(pl.col("len") > 1).head(1).collect(engine="streaming")
    if twice.height:
        names = ", ".join(keys)
        raise StepError(f"source '{source}' has several rows for the same {names}: a row can be joined to one alone")
