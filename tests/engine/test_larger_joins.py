"""A table four times as large as what a step may hold, and one stacked below it: joined, derived from, filtered.

The pieces in which steps take rows are made eight times smaller, so that a table of moderate size shows it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import hardware

from mlspec.machine import resources

ROWS, COLUMNS, LARGE, GROUPS = 260_000, 80, 600_000, 1_000
ALLOWED = ROWS * COLUMNS * 8 // 4

SPEC = """
mlspec: 1
project: {name: joins, task: binary_classification}
data:
  sources: {few: {path: few.parquet}, rows: {path: rows.parquet}, groups: {path: groups.parquet},
            readings: {path: readings.parquet}, people: {path: people.parquet}}
  columns: {target: y, id: person}
  join:
    - {source: groups, keys: [group]}
    - {source: readings, keys: [group], as_of: {row: day, source: known}}
    - {source: people, keys: [person], how: inner}
  derive: {both: x0 + size, far: "both > reading"}
  filter: x1 > -1.5
model: {candidates: {linear: {type: sgd}}}
backend: {engine: inline}
"""

PROGRAM = """
import sys
import polars as pl
from mlspec.machine import resources as measure
from mlspec.steps.data import parquet as tables

measure.OFTEN = 0.01
measure.LOOKS = 100_000
tables.BATCH_BYTES = 8 << 20
from mlspec.cli import main
sys.argv[1:] = ["run", "--set", "backend.memory=LIMIT", "--only", "combine.few", "--only", "combine.rows"]
main()
"""


@pytest.mark.slow
@hardware.needs(Path("/proc/self/status").exists(), "what a process holds is read from /proc")
def test_no_join_holds_a_quarter_of_a_large_table(tmp_path: Path) -> None:
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    values = np.linspace(-2, 2, 32)
    hour = 3_600_000_000

    def moments(hours: "np.ndarray") -> pl.Series:
        return pl.Series(hours * hour).cast(pl.Datetime("us"))

    # The few go first: what libraries load when they are first used is theirs, not the table's.
    for name, rows in (("few", ROWS // 10), ("rows", ROWS)):
        columns = {f"x{i}": values[random.integers(0, 32, rows, dtype=np.uint8)] for i in range(COLUMNS - 4)}
        keys = {"group": random.integers(0, GROUPS, rows), "person": random.integers(0, LARGE + 1, rows)}
        table = pl.DataFrame({**columns, **keys, "day": moments(random.integers(0, 1_000, rows))})
        table = table.with_columns((pl.col("x0") > 0).cast(pl.Int8).alias("y"))
        table.write_parquet(tmp_path / f"{name}.parquet", row_group_size=32_768)
    groups, people = np.arange(GROUPS), np.arange(LARGE)
    pl.DataFrame({"group": groups, "size": groups / GROUPS}).write_parquet(tmp_path / "groups.parquet")
    known = pl.DataFrame({"group": np.tile(groups, 20), "known": moments(np.repeat(np.arange(20) * 50, GROUPS))})
    known.with_columns(reading=pl.lit(0.5)).write_parquet(tmp_path / "readings.parquet")
    # Larger than what may be held of what is joined: it is read in parts.
    pl.DataFrame({"person": people, "income": people / LARGE}).write_parquet(tmp_path / "people.parquet")
    (tmp_path / "project.yaml").write_text(SPEC)
    environment = {**os.environ, **resources.threads(), "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}
    program = PROGRAM.replace("LIMIT", f"{ALLOWED}B")
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    held = {}
    for path in (tmp_path / ".mlspec" / "store" / "actions").iterdir():
        record = json.loads(path.read_bytes().split(b"\n")[1])["record"]
        own = record["memory"]["own"]
        held[record["step"]] = max(own) - own[0]
    assert {"combine.few", "combine.rows"} <= held.keys()
    print({name: size >> 20 for name, size in held.items()})
    assert {name: size for name, size in held.items() if size > ALLOWED} == {}
