"""Steps that treat each row alone: the same bytes on any number of threads, which large tables get."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlspec import api
from mlspec.engine import threads
from mlspec.engine.backend import Setting, Task
from mlspec.machine import resources
from mlspec.store.store import Store

SPEC = """
mlspec: 1
project: {name: threads, task: binary_classification}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {test: 0.1, validation: 0.1}
preprocessing:
  numeric: [impute: mean, scale: standard]
  category: [target_encode: {}]
model: {candidates: {linear: {type: logistic_regression}}}
backend: {engine: ENGINE}
"""
# What is in memory at once is made small: several pieces, of several parts, the last of a row or two.
PROGRAM = """
import sys
import polars
from mlspec.steps.data import preparation
from mlspec.steps.data import parquet as tables
tables.ROW_GROUP, preparation.FIT_BYTES = 5_000, 1
from mlspec.cli import main
sys.argv[1:] = ["run", "--only", "prepare.linear"]
main()
"""


def write(folder: Path, rows: int, engine: str) -> None:
    """A table and its spec."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    frame = pl.DataFrame({f"x{i}": random.normal(i, 1 + i, rows) for i in range(3)})
    frame = frame.with_columns(
        n=pl.Series(random.integers(0, 1000, rows)), c=pl.Series(random.choice(list("abc"), rows))
    )
    frame = frame.with_columns(x1=pl.when(pl.col("n") > 50).then("x1"), y=pl.Series(random.integers(0, 2, rows)))
    frame.write_csv(folder / "rows.csv")
    (folder / "project.yaml").write_text(SPEC.replace("ENGINE", engine))


def digests(folder: Path) -> dict[str, Any]:
    """The digests of what each step has made."""
    found = {}
    for path in (folder / ".mlspec" / "store" / "actions").iterdir():
        action = json.loads(path.read_bytes().split(b"\n")[1])
        found[action["record"]["step"]] = action["outputs"]
    return found


@pytest.mark.slow
def test_equal_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    found = []
    for count in (1, 2, 5):
        folder = tmp_path / str(count)
        folder.mkdir()
        write(folder, 50_011, "inline")
        environment = {**os.environ, "POLARS_MAX_THREADS": str(count)}
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=folder, capture_output=True, text=True, env=environment
        )
        assert ran.returncode == 0, ran.stderr
        found.append(digests(folder))
    assert found[0].keys() == {"source.rows", "split", "prepare.linear"}
    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.slow
def test_a_run_with_threads_gives_what_one_without_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for large in (threads.LARGE, 0):
        folder = tmp_path / str(large)
        folder.mkdir()
        write(folder, 1_000, "local")
        monkeypatch.setattr(threads, "LARGE", large)
        assert api.run(folder / "project.yaml").failures == ()
        found.append(digests(folder))
    assert found[0] == found[1]


def test_only_large_tables_get_threads_and_no_more_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "rows.csv").open("wb") as file:
        file.truncate(threads.LARGE)
    monkeypatch.setattr(resources, "cores", lambda: 6)
    setting = Setting(root=tmp_path, home=tmp_path, logs=tmp_path)
    task = Task(step="s", kind="source", work="", fingerprint="f", identity="i", files={"rows.csv": "d"}, by_rows=True)
    store = Store(tmp_path / "store")

    def wanted(**more: Any) -> int:
        return threads.wanted(task, store, Setting(root=tmp_path, home=tmp_path, logs=tmp_path, **more))

    assert threads.wanted(task, store, setting) == 6
    assert wanted(steps=2) == 2
    assert wanted(memory=3 * threads.EACH) == 3
    assert wanted(memory=1) == 1
    (tmp_path / "rows.csv").write_bytes(b"")
    assert wanted() == 1
