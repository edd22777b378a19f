"""What the engine costs: a graph of 1,000 trivial steps, done for the first time and found done, beside a bare loop.

    python benchmarks/steps_1000.py [--json] [--steps N] [--peers]

Seconds are CPU seconds, user and system, of a process and all that it started, starting up included; the least of a
few repeats. The steps stand in layers of 50, each reading two of the layer before; each writes one small file.
``floor`` is a loop that starts a bare process a step (``/bin/true``). ``inline`` does ordinary steps in one process,
``workers`` in worker processes; both sync what they store. ``--peers`` adds dvc, kedro and luigi, those that this
Python has (``pip install dvc kedro kedro-datasets luigi``), on the same graph.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

LAYER = 50
REPEATS = 3

ENGINE = """
import sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

root, kind, engine, count, layer = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
steps = []
for index in range(count):
    above = {index - layer, index - index % layer - layer + (index * 7) % layer}
    steps.append(step(f"s{index}", *(f"s{place}" for place in sorted(above) if place >= 0), kind=kind, constant=index))
ran = run(graph(root, steps, engine=engine), kinds=KINDS)
assert ran.status == "done" and ran.count(sys.argv[6]) == count, (ran.status, ran.failures[:3])
heavy = {"torch", "polars", "numpy", "sklearn", "networkx", "jsonschema", "subprocess"} & set(sys.modules)
assert sys.argv[6] == "done" or not heavy, heavy
"""
FLOOR = """
import subprocess, sys
for index in range(int(sys.argv[1])):
    subprocess.run(["/bin/true"])
"""
LUIGI = """
import luigi, sys, logging
logging.disable(logging.CRITICAL)
root, count, layer = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
class S(luigi.Task):
    index = luigi.IntParameter()
    def requires(self):
        i = self.index
        return [S(index=p) for p in {i - layer, i - i % layer - layer + (i * 7) % layer} if p >= 0]
    def output(self): return luigi.LocalTarget(f"{root}/s{self.index}.txt")
    def run(self):
        with self.output().open("w") as file: file.write(str(self.index))
sys.setrecursionlimit(10000)
assert luigi.build([S(index=i) for i in range(count)], local_scheduler=True, log_level="CRITICAL")
"""
KEDRO = """
import sys, logging
logging.disable(logging.CRITICAL)
from kedro.io import DataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.text import TextDataset
root, count, layer = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
nodes = []
for i in range(count):
    above = [f"s{p}" for p in sorted({i - layer, i - i % layer - layer + (i * 7) % layer}) if p >= 0]
    nodes.append(node(lambda *texts, i=i: str(i), above or None, f"s{i}", name=f"n{i}"))
catalog = DataCatalog({f"s{i}": TextDataset(filepath=f"{root}/s{i}.txt") for i in range(count)})
SequentialRunner().run(pipeline(nodes), catalog)
"""


def main() -> None:
    arguments = sys.argv[1:]
    count = int(arguments[arguments.index("--steps") + 1]) if "--steps" in arguments else 1000
    rows = {
        "floor: a bare process a step": cost(lambda _: python(FLOOR, str(count))),
        "first run, trivial steps": first_run(count, "join", "local"),
        "first run, inline": first_run(count, "act", "inline"),
        "first run, workers": first_run(count, "act", "local"),
        "up to date": up_to_date(count),
    }
    if "--peers" in arguments:
        rows |= peers(count)
    if "--json" in arguments:
        print(json.dumps(rows, indent=2))
        return
    print(f"| {count:,} steps | CPU s | wall s |\n| --- | ---: | ---: |")
    for name, (cpu, wall) in rows.items():
        print(f"| {name} | {cpu:.2f} | {wall:.2f} |")


def first_run(count: int, kind: str, engine: str) -> tuple[float, float]:
    return cost(lambda root: python(ENGINE, root, kind, engine, str(count), str(LAYER), "done"))


def up_to_date(count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as root:
        python(ENGINE, root, "join", "local", str(count), str(LAYER), "done")
        return cost(lambda _: python(ENGINE, root, "join", "local", str(count), str(LAYER), "cached"))


def peers(count: int) -> dict[str, tuple[float, float]]:
    found = {}
    if find_spec("luigi"):
        found["luigi, first run"] = cost(lambda root: python(LUIGI, root, str(count), str(LAYER)))
    if find_spec("kedro") and find_spec("kedro_datasets"):
        found["kedro, every run"] = cost(lambda root: python(KEDRO, root, str(count), str(LAYER)))
    if find_spec("dvc"):
        with tempfile.TemporaryDirectory() as root:
            write_dvc(Path(root), count)
            found["dvc repro, first run"] = cost(lambda _: dvc(root), repeats=1)
            found["dvc repro, up to date"] = cost(lambda _: dvc(root), repeats=1)
    return found


def write_dvc(root: Path, count: int) -> None:
    stages = {}
    for index in range(count):
        above = {index - LAYER, index - index % LAYER - LAYER + (index * 7) % LAYER}
        deps = [f"s{place}.txt" for place in sorted(above) if place >= 0]
        stages[f"s{index}"] = {"cmd": f"echo {index} > s{index}.txt", "deps": deps, "outs": [f"s{index}.txt"]}
    (root / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=root, check=True)


def dvc(root: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=root, check=True)


def python(code: str, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)


def cost(work: Callable[[str], None], repeats: int = REPEATS) -> tuple[float, float]:
    """CPU and wall seconds of what ``work`` starts in an empty folder, the least of the repeats."""
    figures = []
    for _repeat in range(repeats):
        with tempfile.TemporaryDirectory() as root:
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            work(root)
            after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            figures.append((round(cpu, 3), round(ended - began, 3)))
    return min(cpu for cpu, _ in figures), min(wall for _, wall in figures)


if __name__ == "__main__":
    main()
