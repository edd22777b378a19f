"""A table at least four times as large as what any step may hold: read, checked, split, prepared, trained on, judged.

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

ROWS, COLUMNS = 400_000, 80
ALLOWED = ROWS * COLUMNS * 8 // 4
SAMPLE = 8_000 * COLUMNS * 12  # bytes of the rows that checks of the data look at, of however many

SPEC = """
mlspec: 1
project: {name: large, task: binary_classification}
data:
  sources: {rows: {path: rows.parquet}}
  columns: {target: y}
  expect: [{column: x0, between: [-100, 100]}]
  split: {test: 0.02, validation: 0.02, by: random}
preprocessing: {numeric: [scale: standard]}
model:
  candidates:
    linear: {type: sgd, epochs: 1}
    mlp: {type: torch.mlp, hidden: [8], epochs: 1, batch_size: 1024, bins: 0}
evaluation: {metrics: [accuracy], baselines: [majority], confidence: {resamples: 100}}
backend: {engine: inline}
"""

PROGRAM = """
import sys
import lightgbm, numpy as np, optuna, polars as pl, scipy.stats, sklearn.linear_model, skops.io, torch
from mlspec.steps.evaluation import intervals as evidence
from mlspec.machine import resources as measure
from mlspec.steps.data import preparation
from mlspec.steps.data import feature_arrays as rows
from mlspec.steps.data import parquet as tables
from mlspec.steps.diagnosis import check_data
from mlspec.torchkit import ordering, statistics
from mlspec.models import sgd

measure.OFTEN = 0.01
measure.LOOKS = 100_000
rows.IN_MEMORY, tables.BATCH_BYTES = 16 << 20, 8 << 20
preparation.FIT_BYTES = 8 << 20
check_data.TRAIN_ROWS, check_data.OTHER_ROWS = 6_000, 2_000
evidence.AT_ONCE //= 8
ordering.LARGE, ordering.WINDOW, ordering.BLOCK = 16 << 20, 8 << 20, 128 << 10
statistics.PIECE = 8 << 20
sgd.PIECE = 2 << 20
statistics.LOOKED_AT = 50_000
# What libraries load when they are first used is theirs, not the table's.
weight = torch.nn.Parameter(torch.ones(1))
weight.sum().backward()
torch.optim.AdamW([weight]).step()
from mlspec.cli import main
sys.argv[1:] = ["run"]
main()
"""


@pytest.mark.slow
@hardware.needs(Path("/proc/self/status").exists(), "what a process holds is read from /proc")
def test_no_step_holds_a_quarter_of_a_large_table(tmp_path: Path) -> None:
    import numpy as np
    import polars as pl

    random = np.random.default_rng(0)
    # Few distinct values: the file is small, the arrays are not.
    values = np.linspace(-2, 2, 32)
    drawn = random.integers(0, 32, (COLUMNS, ROWS), dtype=np.uint8)
    columns = {f"x{i}": values[drawn[i]] for i in range(COLUMNS)}
    columns["y"] = (columns["x0"] + columns["x1"] > 0).astype(np.int8)
    pl.DataFrame(columns).write_parquet(tmp_path / "rows.parquet", row_group_size=65_536)
    (tmp_path / "project.yaml").write_text(SPEC)
    # The allocator gives back at once, so that what is seen is what is held.
    environment = {**os.environ, **resources.threads(), "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    held = {}
    for path in (tmp_path / ".mlspec" / "store" / "actions").iterdir():
        record = json.loads(path.read_bytes().split(b"\n")[1])["record"]
        if "memory" in record:
            own = record["memory"]["own"]
            held[record["step"]] = max(own) - own[0]
    assert {"source.rows", "split", "prepare.linear", "train.mlp", "train.linear", "predict"} <= held.keys()
    print({k: v >> 20 for k, v in held.items()})
    assert {name: size for name, size in held.items() if size > ALLOWED + SAMPLE * name.startswith("check")} == {}
