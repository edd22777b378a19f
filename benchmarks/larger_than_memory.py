"""A run on a table four times as large as the memory that it may take: time, throughput and memory of each step.

    python benchmarks/larger_than_memory.py [--rows 5000000] [--columns 120] [--memory 600] [--picture out.svg]

The table is drawn (numbers of float32, a target that a part of them makes); its prepared rows take four bytes a number.
It is read, checked, split and prepared, an incremental linear model and a perceptron are trained on it and judged,
under ``backend.memory``, which ends what takes more. Printed for each step: seconds, the table's megabytes of numbers a
second beside what the disk reads by itself (measured in the same run, past the cache), and the most memory of its own;
a picture of memory over time is written. Exit code 1 where a step took more than is allowed.
"""

import argparse
import json
import mmap
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WHOLE = ("source", "split", "prepare", "train")  # steps that read all rows, or all but a few
SPEC = """
mlspec: 1
project: {{name: larger-than-memory, task: binary_classification}}
data:
  sources: {{rows: {{path: rows.parquet}}}}
  columns: {{target: y}}
  expect: [{{column: x0, between: [-100, 100]}}]
  split: {{test: 0.02, validation: 0.02, by: random}}
preprocessing: {{numeric: [scale: standard]}}
model:
  candidates:
    linear: {{type: sgd, epochs: 1}}
    mlp: {{type: torch.mlp, hidden: [32], bins: 0, epochs: 1, batch_size: 4096}}
evaluation: {{metrics: [log_loss], baselines: [majority]}}
backend: {{workers: 1, memory: {memory}MB}}
"""


def draw(path: Path, rows: int, columns: int) -> None:
    """Write the table, a piece at a time."""
    import numpy as np
    import polars as pl
    from polars.io.plugins import register_io_source

    names = [f"x{i}" for i in range(columns)]
    schema = pl.Schema({**dict.fromkeys(names, pl.Float32()), "y": pl.String()})
    random = np.random.default_rng(0)
    weights = random.normal(size=columns) / np.sqrt(columns)

    def pieces(*_asked: Any) -> Any:
        for at in range(0, rows, 65_536):
            values = random.standard_normal((min(65_536, rows - at), columns), dtype=np.float32)
            happened = values @ weights + random.normal(size=len(values)) > 0
            columns_ = {name: values[:, i] for i, name in enumerate(names)}
            yield pl.DataFrame({**columns_, "y": np.where(happened, "yes", "no")}, schema=schema)

    frame = register_io_source(pieces, schema=schema)
    frame.sink_parquet(path, compression="zstd", compression_level=1, row_group_size=65_536)


def disk(path: Path) -> float:
    """Megabytes a second that a file is read with past the cache."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECT)
    room = mmap.mmap(-1, 1 << 22)
    read, began = 0, time.perf_counter()
    while time.perf_counter() - began < 5 and (count := os.readv(handle, [room])):
        read += count
    os.close(handle)
    return read / 1e6 / (time.perf_counter() - began)


def picture(steps: list[dict[str, Any]], limit: int) -> str:
    """Memory over time, one step after the other, and the limit, as SVG."""
    width, height, left, top = 900.0, 300.0, 60.0, 20.0
    total = sum(step["memory"]["every"] * len(step["memory"]["own"]) for step in steps)
    most = max(limit, *(max(step["memory"]["own"]) for step in steps)) * 1.1
    parts, at = [], 0.0

    def across(seconds: float) -> float:
        return left + (width - left - 10) * seconds / total

    def up(size: float) -> float:
        return top + height * (1 - size / most)

    for number, step in enumerate(steps):
        every, own = step["memory"]["every"], step["memory"]["own"]
        points = " ".join(f"{across(at + i * every):.1f},{up(size):.1f}" for i, size in enumerate(own))
        end = at + every * len(own)
        color = ("#2f6db5", "#c46a1b")[number % 2]
        parts.append(
            f'<polygon fill="{color}" fill-opacity="0.2" stroke="{color}" '
            f'points="{across(at):.1f},{up(0):.1f} {points} {across(end):.1f},{up(0):.1f}"/>'
        )
        if end - at > total / 40:
            parts.append(
                f'<text x="{across((at + end) / 2):.1f}" y="{up(0) + 16 + 14 * (number % 2):.1f}" '
                f'text-anchor="middle">{step["step"]}</text>'
            )
        at = end
    for size, name in ((limit, "backend.memory"), (0, "")):
        parts.append(
            f'<line x1="{left}" x2="{width - 10}" y1="{up(size):.1f}" y2="{up(size):.1f}" stroke="#555" '
            f'stroke-dasharray="5 3"/><text x="{left - 4}" y="{up(size) + 4:.1f}" text-anchor="end">'
            f'{size / 1e6:,.0f} MB</text><text x="{left + 6}" y="{up(size) - 5:.1f}">{name}</text>'
        )
    parts.append(f'<text x="{width - 10}" y="{up(0) + 44:.1f}" text-anchor="end">{total:,.0f} s</text>')
    box = f"0 0 {width:.0f} {height + top + 50:.0f}"
    body = "\n".join(parts)
    style = 'font-family="sans-serif" font-size="11"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {style}>\n{body}\n</svg>\n'


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=5_000_000)
    arguments.add_argument("--columns", type=int, default=120)
    arguments.add_argument("--memory", type=int, default=600, help="MB")
    arguments.add_argument("--picture", type=Path)
    arguments.add_argument("--folder", help="where the table and the run are written")
    given = arguments.parse_args()
    limit, size = given.memory * 10**6, given.rows * given.columns * 4
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        draw(folder / "rows.parquet", given.rows, given.columns)
        speed = disk(folder / "rows.parquet")
        (folder / "project.yaml").write_text(SPEC.format(memory=given.memory))
        ran = subprocess.run([sys.executable, "-c", "from mlspec.cli import main; main()", "run"], cwd=folder)
        found = []
        for path in (folder / ".mlspec" / "store" / "actions").iterdir():
            record = json.loads(path.read_bytes().partition(b"\n")[2])["record"]
            if "memory" in record:
                found.append(record)
    found.sort(key=lambda record: record["finished"])
    times = size / limit
    print(f"{size / 1e6:,.0f} MB of prepared numbers, {times:.1f} x the {given.memory} MB; disk: {speed:,.0f} MB/s")
    print(f"{'step':24}{'s':>8}{'CPU s':>8}{'MB/s':>8}{'of disk':>9}{'own MB':>8}{'resident':>10}")
    for record in found:
        rate = size / 1e6 / record["seconds"]
        shown = f"{rate:8.0f}{rate / speed:9.2f}" if record["step"].startswith(WHOLE) else " " * 17
        print(
            f"{record['step']:24}{record['seconds']:8.1f}{record['cpu_seconds']:8.1f}{shown}"
            f"{max(record['memory']['own']) / 1e6:8.0f}{record['peak_memory'] / 1e6:10.0f}"
        )
    if given.picture:
        given.picture.write_text(picture(found, limit))
    return ran.returncode or int(max(max(record["memory"]["own"]) for record in found) > limit)


if __name__ == "__main__":
    sys.exit(main())
