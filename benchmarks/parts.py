"""Sources that are read by parts: what planning them costs, and what a part's steps take, as the number of parts grows.

    python benchmarks/parts.py [--plans 100 1000 10000] [--runs 4 8 16 32] [--rows 100000]

Planning: CPU seconds of compiling, planning with an empty store and with all results, and drawing the tree, and the
memory of the process; the files have one row each. Running: the files have the same number of rows of 20 numbers and 2
categories; for each kind of step the most memory of its own, CPU seconds and megabytes written a step, where the same
worker does one step after the other. The last row is the same table read as one.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SPEC = """
mlspec: 1
project: {{name: by-parts, task: binary_classification}}
data:
  sources: {{rows: {{path: "rows/*.parquet"{parts}}}}}
  columns: {{target: y, drop: [id]}}
  split: {{by: hash, column: id, test: 0.1, validation: 0.1}}
  expect: [{{rows: {{at_least: 1}}}}, {{column: x0, between: [-9, 9], mean: {{at_most: 1}}}}]
preprocessing: {{numeric: [impute: mean, scale: standard], category: [impute: most_frequent, encode: one_hot]}}
model:
  candidates: {{mlp: {{type: torch.mlp, epochs: 1}}}}
  {again}
  checks: off
backend: {{workers: 1}}
"""
BY_PARTS = ", parts: file"
AGAIN = {False: "final: split", True: "cross_validation: {folds: 2}"}  # folds, and a second fit
KINDS = (
    "source", "source_part", "expect", "expect_part", "split", "split_part", "count_parts", "fold", "assign_fold",
    "fold_part", "fit", "fit_part", "prepare", "prepare_part",
)  # fmt: skip
TRAINED = ("train", "predict", "refit")  # their libraries stay in the worker's memory
FIRST = [part for name in ("mlp", "mlp.fold1", "mlp.fold2") for part in ("--only", f"prepare.{name}")]


def draw(folder: Path, files: int, rows: int, parts: str = BY_PARTS, *, again: bool = True) -> None:
    """Write the files and the spec."""
    import numpy as np
    import polars as pl

    (folder / "rows").mkdir()
    random = np.random.default_rng(0)
    for number in range(files):
        frame = pl.DataFrame({f"x{i}": random.standard_normal(rows, dtype=np.float32) for i in range(20)})
        frame = frame.with_columns(
            *(pl.Series(f"c{i}", random.choice(list("abcdefgh"), rows)) for i in range(2)),
            id=pl.int_range(number * rows, (number + 1) * rows),
            y=pl.Series(random.choice(["no", "yes"], rows)),
        )
        frame.write_parquet(folder / "rows" / f"{number:05}.parquet", compression="uncompressed")
    (folder / "project.yaml").write_text(SPEC.format(parts=parts, again=AGAIN[again]))


def planned(files: int, *, again: bool) -> dict[str, float]:
    """What planning a source of so many files costs, in this process; ``again``: with folds and a second fit."""
    from mlspec.graph.build import compile_graph
    from mlspec.graph.plan import plan
    from mlspec.graph.show.tree import tree
    from mlspec.rules import check
    from mlspec.spec.read import read

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        draw(root, files, 1, again=again)
        project, document = read(root / "project.yaml")
        facts, found = check.facts(project, document, root)
        assert not any(one.severity == "error" for one in found), found
        times = [time.process_time()]

        def took() -> float:
            times.append(time.process_time())
            return times[-1] - times[-2]

        graph = compile_graph(project, facts, document)
        result: dict[str, float] = {"files": files, "steps": len(graph.steps), "compile": took()}
        empty = plan(graph, lambda _fingerprint: None, known=lambda _identity: False)
        result["plan_empty"] = took()
        lines = len(tree(empty).splitlines())
        result |= {"tree": took(), "lines": lines}
        outputs = dict.fromkeys((name for step in graph.steps.values() for name in step.outputs), "0" * 64)
        assert not plan(graph, lambda _fingerprint: outputs).pending()
        result["plan_cached"] = took()
    return result | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def ran(files: int, rows: int, parts: str) -> list[dict[str, Any]]:
    """What the steps take that prepare so many files, by kind."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        draw(root, files, rows, parts)
        steps = []
        for kinds, asked in ((KINDS, FIRST), (TRAINED, ["--only", "refit"])):
            command = [sys.executable, "-c", "from mlspec.cli import main; main()", "run", *asked]
            subprocess.run(command, cwd=root, check=True, capture_output=True)
            record = max((root / ".mlspec" / "runs").glob("*/run.json"))
            steps += [step for step in json.loads(record.read_text())["steps"].values() if step["kind"] in kinds]
        objects = {path.name: path.stat().st_size for path in (root / ".mlspec" / "store" / "objects").iterdir()}
    found = []
    for kind in (*KINDS, *TRAINED):
        mine = [step for step in steps if step["kind"] == kind]
        if mine:
            written = sum(objects.get(digest, 0) for step in mine for digest in step["outputs"].values())
            own = max(max(step["record"].get("memory", {}).get("own", [0])) for step in mine)
            found.append(
                {
                    "files": files,
                    "kind": kind,
                    "steps": len(mine),
                    "own_mb": own / 1e6,
                    "cpu": sum(step["record"]["cpu_seconds"] for step in mine) / len(mine),
                    "written_mb": written / len(mine) / 1e6,
                }
            )
    return found


def apart(*arguments: object) -> Any:
    """This program in a process of its own, whose memory begins with nothing."""
    done = subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True, capture_output=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, nargs="*", default=[100, 1_000, 10_000])
    parser.add_argument("--runs", type=int, nargs="*", default=[4, 8, 16, 32])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--plan", type=int)
    parser.add_argument("--again", type=int, default=0)
    options = parser.parse_args()
    if options.plan is not None:
        print(json.dumps(planned(options.plan, again=bool(options.again))))
        return
    print("| files | folds | steps | compile, s | plan (empty), s | plan (cached), s | tree, s | lines | memory, MB |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for files, again in ((files, again) for again in (0, 1) for files in options.plans):
        row = apart("--plan", files, "--again", again)
        times = " | ".join(f"{row[name]:.2f}" for name in ("compile", "plan_empty", "plan_cached", "tree"))
        steps = f"{('no', 'yes')[again]} | {row['steps']:,}"
        print(f"| {files:,} | {steps} | {times} | {row['lines']} | {row['memory']:.0f} |", flush=True)
    print("\n| files | kind | steps | own memory, MB | CPU s a step | MB written a step |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    most = max(options.runs, default=0)
    for files, parts in [*((files, BY_PARTS) for files in options.runs), *([(most, "")] if most else [])]:
        for row in ran(files, options.rows, parts):
            figures = f"{row['own_mb']:.0f} | {row['cpu']:.2f} | {row['written_mb']:.1f}"
            print(f"| {files} | {row['kind']} | {row['steps']} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
