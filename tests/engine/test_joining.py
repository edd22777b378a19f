"""Rows are joined some at a time: what comes out is, byte for byte, what joining the whole tables at once gives."""

import datetime as dt
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import StepError
from mlspec.steps.data import combine, parquet
from mlspec.steps.data import joins as joining
from mlspec.steps.data.derived_columns import derived
from mlspec.steps.job import Job

START = dt.datetime(2024, 1, 1)


def at_once(rows: pl.LazyFrame, others: dict[str, pl.LazyFrame], params: dict[str, Any]) -> pl.LazyFrame:
    """The joins of whole tables."""
    for join in params["joins"]:
        other, keys, as_of, names = others[join["source"]], join["keys"], join["as_of"], join["columns"]
        taken = [pl.col(theirs).alias(name) for theirs, name in names.items()]
        if as_of is None:
            rows = rows.join(other.select([*keys, *taken]), on=keys, how=join["how"], maintain_order="left")
            continue
        known = other.filter(pl.col("known").is_not_null()).select([*keys, pl.col("known"), *taken]).sort("known")
        numbered = rows.with_row_index("row")
        found = (
            numbered.filter(pl.col("t").is_not_null())
            .sort("t")
            .join_asof(
                known,
                left_on="t",
                right_on="known",
                by=keys or None,
                tolerance=None if as_of["within"] is None else timedelta(seconds=as_of["within"]),
                allow_exact_matches=not as_of["before"],
                coalesce=False,
                check_sortedness=False,
            )
        )
        if join["how"] == "inner":
            rows = found.filter(pl.col("known").is_not_null()).sort("row").drop("row", "known")
        else:
            without = numbered.filter(pl.col("t").is_null())
            rows = pl.concat([found.drop("known"), without], how="diagonal_relaxed").sort("row").drop("row")
    rows = derived(rows, params["derive"])
    if params["filter"] is not None:
        rows = rows.filter(pl.sql_expr(params["filter"]))
    return rows.select([name for name, _kind in params["columns"]])


def moment(number: int | None) -> dt.datetime | None:
    return None if number is None else START + timedelta(hours=number)


KEYS = st.none() | st.sampled_from(["a", "b", "c"])
HOURS = st.none() | st.integers(0, 12)
VALUES = st.none() | st.integers(0, 9)


@st.composite
def tasks(draw: st.DrawFn) -> tuple[pl.DataFrame, dict[str, pl.DataFrame], dict[str, Any]]:
    """Rows, what is joined to them, and what the step is asked for."""
    rows = pl.DataFrame(
        draw(st.lists(st.tuples(KEYS, VALUES, HOURS.map(moment), VALUES), min_size=1, max_size=14)),
        schema={"k": pl.String, "i": pl.Int64, "t": pl.Datetime("us"), "n": pl.Int64},
        orient="row",
    )
    joins, others, made = [], {}, []
    for source in draw(st.permutations(["one", "timed", "several"]))[: draw(st.integers(1, 3))]:
        # A join may look for what one before it has brought.
        several = ["one_v"] if "one_v" in made else ["k", "i"]
        keys = {"one": ["k"], "timed": draw(st.sampled_from([[], ["k"], ["k", "i"]])), "several": several}[source]
        timed = source == "timed"
        kinds = {"k": (KEYS, pl.String()), "i": (VALUES, pl.Int64()), "one_v": (VALUES, pl.Int64())}
        places = st.tuples(*(kinds[key][0] for key in keys), *([HOURS] if timed else []))
        held = draw(st.lists(places, unique=True, max_size=12))
        schema = {**{key: kinds[key][1] for key in keys}, **({"known": pl.Int64()} if timed else {})}
        other = pl.DataFrame(held, schema=schema, orient="row").with_row_index("v").cast({"v": pl.Int64})
        if timed:
            other = other.with_columns((pl.lit(START) + pl.duration(hours=pl.col("known"))).alias("known"))
        others[source] = other
        taken = {} if source == "several" and draw(st.booleans()) else {"v": f"{source}_v"}
        made += taken.values()
        as_of = None
        if timed:
            within = draw(st.none() | st.sampled_from([3_600.0, 10_000.0]))
            as_of = {"row": "t", "source": "known", "within": within, "before": draw(st.booleans())}
        how = draw(st.sampled_from(["left", "inner"]))
        joins.append({"source": source, "columns": taken, "keys": keys, "how": how, "as_of": as_of})
    derive = draw(st.sampled_from([[], [["d", "n / (n - 2)", "number"], ["e", "d > 1 AND i IS NULL", "boolean"]]]))
    asked = [*rows.columns, *made, *(name for name, _text, _kind in derive)]
    text = draw(st.sampled_from([None, "n > 3 OR k = 'a'"]))
    return rows, others, {"joins": joins, "derive": derive, "filter": text, "columns": [[name, ""] for name in asked]}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(tasks(), st.integers(1, 5), st.booleans())
def test_pieces_give_what_whole_tables_give(
    tmp_path_factory: pytest.TempPathFactory,
    task: tuple[pl.DataFrame, dict[str, pl.DataFrame], dict[str, Any]],
    piece: int,
    fits: bool,
) -> None:
    rows, others, params = task
    folder = tmp_path_factory.mktemp("rows")
    paths = {"table": folder / "rows.parquet", **{f"join.{name}": folder / f"{name}.parquet" for name in others}}
    for path, frame in zip(paths.values(), [rows, *others.values()], strict=True):
        frame.write_parquet(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP", piece)
        patch.setattr(joining, "AT_ONCE", 1)
        whole = at_once(rows.lazy(), {name: frame.lazy() for name, frame in others.items()}, params)
        parquet.write(whole, folder / "whole.parquet")
        out = folder / "out.parquet"
        job = Job(
            id="c",
            kind="combine",
            params=params,
            inputs=paths,
            outputs={"table": out},
            scratch=folder,
            root=folder,
            memory=None if fits else joining.SHARE,
        )
        if pl.read_parquet(folder / "whole.parquet").height:
            combine.run(job)
            assert out.read_bytes() == (folder / "whole.parquet").read_bytes()
        else:
            with pytest.raises(StepError, match=r"leaves? no row"):
                combine.run(job)


def opened(keys: pl.DataFrame, bound: int) -> joining.Side:
    join = {"source": "other", "keys": keys.columns, "columns": {}, "how": "left", "as_of": None}
    return joining.opened(keys.lazy(), join, keys.schema, bound)


def test_a_key_that_stands_twice_is_found_whatever_the_memory() -> None:
    once = pl.DataFrame({"k": [*map(str, range(10_000)), None], "n": [*range(10_000), None]})
    for row in (0, 5_000, 10_000):
        twice = pl.concat([once, once[row : row + 1]])
        for bound in (joining.UNSAID, joining.HASH_BYTES * 100):
            with pytest.raises(StepError, match="source 'other' has several rows for the same k, n: a row can be"):
                opened(twice, bound)
    assert opened(once, joining.HASH_BYTES * 100).held is None
    assert opened(once, joining.UNSAID).held is not None
    # Keys of equal hashes are not equal keys.
    plain = pl.Expr.hash
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pl.Expr, "hash", lambda self: plain(self) % 1_000)
        assert opened(once, joining.UNSAID).held is not None
        with pytest.raises(StepError, match="several rows"):
            opened(pl.concat([once, once[7:8]]), joining.UNSAID)


def test_a_row_is_rounded_the_same_whatever_it_is_taken_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pl.DataFrame({"x": [0.1 * number for number in range(200)]}).write_parquet(tmp_path / "rows.parquet")
    params = {"joins": [], "derive": [["d", "(x - 0.7) / 3.7", "number"]], "filter": None, "columns": [["d", "number"]]}
    found = []
    for rows in (262_144, 9):
        monkeypatch.setattr(parquet, "ROW_GROUP", rows)
        out = tmp_path / f"{rows}.parquet"
        places = {"inputs": {"table": tmp_path / "rows.parquet"}, "outputs": {"table": out}}
        combine.run(Job(id="c", kind="combine", params=params, scratch=tmp_path, root=tmp_path, **places))
        found.append(pl.read_parquet(out)["d"].to_list())
    assert found[0] == found[1]
