"""The rows of groups, some groups at a time."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlspec.steps.data import parquet
from mlspec.steps.training import personalization


@pytest.mark.parametrize("memory", [None, 1, 4_000, 100_000])
def test_each_group_has_its_rows_in_their_order_whatever_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: int | None
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP", 16)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 256)
    random = np.random.default_rng(0)
    groups = pl.Series("g", random.choice(["a", "b", "c", "d", None], 200, p=[0.5, 0.2, 0.19, 0.01, 0.1]))
    frame = pl.DataFrame({"n": range(200), "g": groups})
    frame.write_parquet(tmp_path / "rows.parquet")
    wanted = ["c", "nobody", "a", "d"]
    found = list(personalization.each(parquet.scan(tmp_path / "rows.parquet"), groups, wanted, memory))
    assert [label for label, _rows in found] == wanted
    for label, rows in found:
        assert rows.equals(frame.filter(pl.col("g") == label))
