"""The rows that a new model is trained on: which ones, in what columns; what is kept of an unfinished retraining."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mlspec.diagnostics import StoreError
from mlspec.monitoring import new_rows, unfinished
from mlspec.monitoring.retraining import Retraining
from mlspec.monitoring.unfinished import Unfinished
from mlspec.plugins.base import Column

START = datetime(2026, 3, 1, tzinfo=UTC)
CHECK = Retraining(due=True, package="p", model="m", now="2026-03-01T00:00:00Z", reasons=())


def logged(model: str, ids: list[int], bought: str) -> "pl.DataFrame":
    times = [START + timedelta(seconds=at) for at in ids]
    return pl.DataFrame(
        {
            new_rows.REQUEST: [f"r{at}" for at in ids],
            new_rows.ROW: pl.Series([0] * len(ids), dtype=pl.Int32),
            new_rows.TIME: pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            new_rows.ANSWER: ["yes"] * len(ids),
            "age": [float(30 + at) for at in ids],
            "bought": [bought] * len(ids),
            new_rows.MODEL: [model] * len(ids),
        }
    )


def test_the_newest_rows_are_kept_to_compare_on_and_a_later_label_counts() -> None:
    rows = logged("a", list(range(10)), "no")
    since = new_rows.boundary(rows[new_rows.TIME], 0.3)
    assert since == START + timedelta(seconds=6)
    assert rows.filter(pl.col(new_rows.TIME) > since).height == 3
    assert new_rows.boundary(rows[new_rows.TIME].head(1), 0.3) is None
    again = new_rows.together([logged("a", [1, 2], "no"), logged("b", [0], "no"), logged("a", [2, 3], "yes")])
    assert again.select(new_rows.MODEL, new_rows.REQUEST, "bought").rows() == [
        ("b", "r0", "no"),
        ("a", "r1", "no"),
        ("a", "r2", "yes"),
        ("a", "r3", "yes"),
    ]


def test_rows_get_the_columns_of_the_source() -> None:
    schema = (
        Column("id", "category"),
        Column("age", "integer"),
        Column("asked", "datetime"),
        Column("bought", "category"),
    )
    table = new_rows.as_source(logged("a", [0, 1], "no"), schema, "asked")
    plain = START.replace(tzinfo=None)
    assert table.rows() == [(None, 30, plain, "no"), (None, 31, plain + timedelta(seconds=1), "no")]
    assert new_rows.missing(schema, table) == ["id"]


def test_a_state_that_was_not_written_here_counts_as_none(tmp_path: Path) -> None:
    home = tmp_path / ".mlspec"
    state = Unfinished(
        id="1", check=CHECK, stage="live", served="d", now="n", until="u", since="s", file="data/x.csv", rows=2
    )
    with unfinished.alone(home):
        unfinished.write(home, state)
        with pytest.raises(StoreError, match="being retrained by another process"), unfinished.alone(home):
            pass
    assert unfinished.read(home) == state
    shutil.copytree(home, tmp_path / "copy")
    assert unfinished.read(tmp_path / "copy") is None
    unfinished.keep(home, logged("a", [0], "no"))
    unfinished.end(home, logged("a", [1], "no"))
    assert unfinished.read(home) is None
    assert unfinished.rows(home) is None
    left = unfinished.rows(home, unfinished.LEFT)
    assert left is not None
    assert left[new_rows.REQUEST].to_list() == ["r1"]
