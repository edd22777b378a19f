"""Tables that are written a batch at a time."""

from pathlib import Path

import polars as pl
import pytest

from mlspec.steps.data import parquet, preparation


def test_a_batch_at_a_time_gives_all_rows_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_BYTES", 8 * 3 * 5000)
    frame = pl.DataFrame({"a": range(12_345), "b": ["x", "y", None, "z", "x"] * 2469}).lazy()

    def change(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(c=pl.col("a") * 2)

    parquet.write_batches(frame, change, tmp_path / "once")
    parquet.write_batches(frame, change, tmp_path / "again")
    assert parquet.scan(tmp_path / "once").collect().equals(change(frame).collect())
    assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    parquet.write_batches(pl.DataFrame({"a": [1]}).lazy().head(0), lambda rows: rows, tmp_path / "none")
    assert parquet.scan(tmp_path / "none").collect().schema == {"a": pl.Int64}


def test_less_memory_fits_the_same_state() -> None:
    frame = pl.DataFrame({f"x{i}": [1.5, None, 2.0, 7.0 + i] for i in range(4)} | {"y": [0.0, 1.0, 2.0, 3.0]}).lazy()
    steps = [["impute", {"strategy": "median"}], ["scale", {"method": "standard"}]]
    params = {
        "columns": [{"name": f"x{i}", "type": "number", "steps": steps} for i in range(4)],
        "target": ["y", "number"],
        "task": "regression",
        "positive": None,
    }
    assert preparation.fit(frame, params) == preparation.fit(frame, params, memory=1)
