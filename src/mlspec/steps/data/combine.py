"""Makes rows of several sources: joins, derived columns, the filter."""

from collections.abc import Callable, Iterator

import polars as pl

from mlspec.diagnostics import StepError
from mlspec.spec.combining import names
from mlspec.steps.data import by_parts, joins, parquet
from mlspec.steps.data.derived_columns import derived, exactly
from mlspec.steps.job import Job

WANTED = "__wanted__"
PARTS = 16  # of a piece are derived from and filtered at a time: the copies are smaller


def run(job: Job) -> None:
    """``table``, ``join.*`` -> ``table``; rows keep their order. Some of them are in memory at a time.

    Expressions read a row's own cells alone: ``spec.expression`` knows no function that would read others.
    Raises StepError where a joined source has more than one row for a key, or the filter leaves no rows.
    """
    if by_parts.gathered(job):
        _demand_rows(job)
        return
    params = job.params
    stated, names = params["joins"], [name for name, _kind in params["columns"]]
    rows = parquet.scan(job.inputs["table"])
    rows = rows.select([name for name in rows.collect_schema() if name in _read(job)])
    bound = joins.share(job.memory, len(stated))
    types = dict(rows.collect_schema())
    sides = []
    for join in stated:
        sides.append(joins.opened(parquet.scan(job.inputs[f"join.{join['source']}"]), join, types, bound))
        own = sides[-1].rows.collect_schema()
        types |= {name: own[name] for name in join["columns"].values()}

    def made(frame: "pl.LazyFrame") -> "pl.LazyFrame":
        wanted = pl.lit(True) if params["filter"] is None else pl.sql_expr(params["filter"])
        return exactly(frame, lambda wide: derived(wide, params["derive"]).with_columns(wanted.alias(WANTED))).select(
            *names, WANTED
        )

    schema = made(pl.LazyFrame(schema=types)).drop(WANTED).collect_schema()
    size = min(parquet.batch(types), parquet.batch(schema))

    def batches() -> "Iterator[pl.DataFrame]":
        for block in joins.blocks(rows, size, sides):
            for side in sides:
                block = joins.joined(block, side)
            few = max(1, size // PARTS)
            for at in range(0, block.height, few):
                yield _alike(block[at : at + few], made)

    parquet.write_made(batches(), schema, job.outputs["table"])
    if "part" not in params:
        _demand_rows(job)


def _demand_rows(job: Job) -> None:
    if not parquet.count(parquet.scan(job.outputs["table"])):
        filtered = job.params["filter"] is not None
        raise StepError("the filter leaves no rows" if filtered else "the joins leave no rows")


def _alike(rows: "pl.DataFrame", made: "Callable[[pl.LazyFrame], pl.LazyFrame]") -> "pl.DataFrame":
    """What is made of rows, whichever others they are taken with: how many depends on the memory."""
    return parquet.changed(parquet.alike(rows).lazy(), made).head(rows.height).filter(WANTED).drop(WANTED)


def _read(job: Job) -> set[str]:
    """The columns that are given on, or that joins and expressions read."""
    params = job.params
    found = {name for name, _kind in params["columns"]} | set(names(params["filter"]))
    for _name, text, _kind in params["derive"]:
        found |= set(names(text))
    for join in params["joins"]:
        found |= {*join["keys"], *([] if join["as_of"] is None else [join["as_of"]["row"]])}
    return found
