"""What the engine `slurm` costs: steps that only wait, beside a bare `sbatch --array` of the same work.

    python benchmarks/slurm.py [--steps N] [--seconds 0 0.2 2] [--json]
    python benchmarks/slurm.py --cluster FOLDER [...]

Without ``--cluster`` it starts a cluster of two nodes with two cores each on this machine, as the tests do; else it
uses the one whose commands answer, and a folder that its nodes see. The ideal is steps x seconds / cores. ``bare
array`` is one array of ``sleep``. ``first run`` knows nothing of the steps, so pilots do all of them; ``again`` does
them a second time: those that took under two seconds stay on the driver. CPU is that of the driver, without importing
mlspec, and that of all that it starts: SLURM's commands, and workers for the steps that it keeps.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.backends.slurm_cluster import Cluster, lacking

DRIVER = """
import json, resource, sys, time
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

root, count, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
steps = [step(f"s{index}", seconds=seconds) for index in range(count)]
def cpu():
    return [used.ru_utime + used.ru_stime for used in map(resource.getrusage, (0, -1))]
for again in (False, True):
    made = graph(root, steps, engine="slurm", workers=int(sys.argv[4]))
    before, began = cpu(), time.monotonic()
    ran = run(made, kinds=KINDS, lock=False, force=set(made.steps) if again else ())
    assert ran.count("done") == count, ran.failures[:3]
    print(json.dumps([time.monotonic() - began, *(now - then for now, then in zip(cpu(), before))]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seconds", type=float, nargs="+", default=[0, 0.2, 2])
    parser.add_argument("--cluster", type=Path)
    parser.add_argument("--cores", type=int, default=4, help="cores that are used")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    with folder(asked.cluster) as root:
        for seconds in asked.seconds:
            measured = {"bare array": array(root, asked.steps, seconds, asked.cores)}
            measured |= driver(root, asked.steps, seconds, asked.cores)
            for name, (wall, own, started) in measured.items():
                over = wall - asked.steps * seconds / asked.cores
                cpu = [round(1000 * one / asked.steps, 1) for one in (own, started)]
                rows.append({"name": name, "seconds": seconds, "wall": wall, "over": over, "cpu_ms": cpu})
    if asked.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"| {asked.steps:,} steps on {asked.cores} cores | s a step | wall s | s over the ideal | CPU ms a step |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        print("| {name} | {seconds:g} | {wall:.1f} | {over:.1f} | {cpu_ms[0]} + {cpu_ms[1]} |".format(**row))


def array(root: Path, count: int, seconds: float, cores: int) -> list[float]:
    """The wall seconds of an array whose end is asked for twice a second, the CPU seconds of this process and of the
    commands."""
    before, began = os.times(), time.monotonic()
    options = [f"--array=0-{count - 1}%{cores}", "--cpus-per-task=1", "--output=/dev/null", f"--chdir={root}"]
    said = subprocess.run(
        ["sbatch", "--parsable", *options, "--wrap", f"sleep {seconds}"], capture_output=True, text=True, check=True
    )
    number = said.stdout.strip().partition(";")[0]
    while subprocess.run(["squeue", "-h", f"--jobs={number}"], capture_output=True, check=True).stdout.strip():
        time.sleep(0.5)
    user, system, of_user, of_system = (now - then for now, then in zip(os.times()[:4], before[:4], strict=True))
    return [time.monotonic() - began, user + system, of_user + of_system]


def driver(root: Path, count: int, seconds: float, cores: int) -> dict[str, list[float]]:
    """The same of a run, and of one that does the same steps again."""
    home = Path(tempfile.mkdtemp(dir=root))
    command = [sys.executable, "-P", "-c", DRIVER, str(home), str(count), str(seconds), str(cores)]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    said = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "PYTHONPATH": path}
    ).stdout
    return {name: json.loads(line) for name, line in zip(("first run", "again"), said.splitlines(), strict=True)}


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """A folder that the nodes see, and a cluster."""
    if given is not None:
        yield given
        return
    if missing := lacking():
        sys.exit(f"{', '.join(missing)} not installed: apt-get install slurmctld slurmd slurm-client munge")
    root = Path(tempfile.mkdtemp(prefix="mlspec-slurm-"))
    cluster = Cluster(root)
    try:
        cluster.start()
        os.environ["SLURM_CONF"] = str(cluster.config)
        yield root
    finally:
        cluster.end()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
