"""What each of several processes that train one network holds of a large table: rows, bytes on disk, own memory.

python benchmarks/shares.py [rows]
"""

import os
import re
import sys
import tempfile
import threading
from pathlib import Path

COLUMNS = 20


def own() -> float:
    """The memory of this process alone, MB; pages of files are not counted."""
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1e3 if found else 0.0


def run(job) -> None:
    """What each process does: the training, watched."""
    import torch

    from mlspec.steps.data import feature_arrays
    from mlspec.steps.training import train
    from mlspec.torchkit import tabular  # noqa: F401 (its memory is no row's)

    weight = torch.nn.Parameter(torch.ones(1))
    weight.sum().backward()
    torch.optim.AdamW([weight]).step()
    before, peak, done = own(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, own())

    made = feature_arrays._made

    def told(*given):
        arrays = made(*given)
        size = sum(array.nbytes for array, _map in arrays)
        print(f"process {os.environ['RANK']}: {len(arrays[0][0]):,} rows, {size / 1e6:.0f} MB unpacked")
        return arrays

    feature_arrays._made = told
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        train.run(job)
    finally:
        done.set()
        watcher.join()
        usage = os.times()
        print(
            f"process {os.environ['RANK']}: {peak - before:.0f} MB of own memory, {usage.user + usage.system:.1f} CPU s"
        )


def main() -> None:
    """A table in eight parts, trained on by 1, 2 and 4 processes."""
    import json

    import numpy as np
    import polars as pl

    from mlspec.steps.job import Job
    from mlspec.steps.training import distributed

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    sys.path.insert(0, str(Path(__file__).parent))
    names = [f"x{number}" for number in range(COLUMNS)]
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "rows").mkdir()
        for part in range(8):
            table = pl.DataFrame({one: draw.normal(size=rows // 8).astype(np.float32) for one in names})
            table = table.with_columns(__target__=(pl.col("x0") > 0).cast(pl.Int64))
            table.write_parquet(root / "rows" / f"{part}.parquet", compression="zstd", compression_level=1)
        table.head(10_000).write_parquet(root / "validation")
        state = {
            "outputs": [{"name": one, "type": "number", "levels": None} for one in names],
            "target": {"name": "y", "type": "category", "classes": ["no", "yes"]},
        }
        (root / "state").write_text(json.dumps(state))
        model = {"hidden": [8], "epochs": 1, "batch_size": 8192, "bins": 0}
        for count in (1, 2, 4):
            folder = root / str(count)
            folder.mkdir()
            job = Job(
                id="train",
                kind="train",
                params={"model": ["torch.mlp", model], "seed": 1, "task": "binary_classification"},
                inputs={"train": root / "rows", "validation": root / "validation", "state": root / "state"},
                outputs={"model": folder / "model", "history": folder / "history"},
                scratch=folder,
                root=root,
                processes=count,
            )
            print(f"{count} of {rows:,} rows, {4 * rows * COLUMNS / 1e6:.0f} MB")
            distributed.together(job, "shares")
            print("losses", json.loads((folder / "history").read_text())["train_loss"])


if __name__ == "__main__":
    main()
