"""The same spec on every engine: the digests of all steps, the gates, the wall and CPU time.

    python benchmarks/engines.py [SPEC_FOLDER ...] [--engines local dvc slurm ray]

Each engine runs its own copy of the folder from nothing. SLURM and Ray get clusters of two nodes on this machine, as
the tests start them. CPU is that of the driver and its children, without that of the nodes. ``other digests`` are steps
whose outputs differ from those of the first engine: measurements of time and memory, and what reads them, may.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.backends import ray_cluster, slurm_cluster

SPECS = Path(__file__).parents[1] / "specs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("specs", type=Path, nargs="*", default=[SPECS / "penguins", SPECS / "adult-income"])
    parser.add_argument("--engines", nargs="+", default=["local", "dvc", "slurm", "ray"])
    asked = parser.parse_args()
    print("| spec | engine | steps | other digests | gates | other verdicts | wall s | driver CPU s |")
    print("| --- | --- | ---: | --- | ---: | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="mlspec-engines-") as scratch:
        for spec in asked.specs:
            first: dict[str, Any] = {}
            for engine in asked.engines:
                with cluster(engine) as environment:
                    lock, wall, cpu = ran(spec.resolve(), Path(scratch, spec.name, engine), engine, environment)
                first = first or lock
                print(row(spec.name, engine, lock, first, wall, cpu), flush=True)


def ran(spec: Path, folder: Path, engine: str, environment: dict[str, str]) -> tuple[dict[str, Any], float, float]:
    """The lock of a run of a copy of the spec's folder, its wall seconds and the driver's CPU seconds."""
    shutil.copytree(spec, folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    if engine == "dvc":
        for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
            subprocess.run(command, cwd=folder, check=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    mlspec = str(Path(sys.executable).with_name("mlspec"))
    with (folder.parent / f"{engine}.txt").open("w") as said:
        done = subprocess.run(
            [mlspec, "run", "--backend", {"local": "cpu"}.get(engine, engine)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=said,
            stderr=said,
        )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        sys.exit(f"{spec.name} on {engine}: {(folder.parent / f'{engine}.txt').read_text()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads((folder / "mlspec.lock").read_text()), wall, cpu


def row(spec: str, engine: str, lock: dict[str, Any], first: dict[str, Any], wall: float, cpu: float) -> str:
    other = unlike(lock["steps"], first["steps"], "outputs")
    verdicts = unlike(lock["gates"], first["gates"], "verdict")
    cells = (spec, engine, len(lock["steps"]), other, len(lock["gates"]), verdicts, f"{wall:.1f}", f"{cpu:.1f}")
    return f"| {' | '.join(map(str, cells))} |"


def unlike(one: dict[str, Any], other: dict[str, Any], key: str) -> str:
    """The names of which one has another value than the other."""
    found = sorted(name for name in one | other if one.get(name, {}).get(key) != other.get(name, {}).get(key))
    return ", ".join(found) or "none"


@contextmanager
def cluster(engine: str) -> Iterator[dict[str, str]]:
    """A cluster for an engine that needs one, and the variables by which it is found."""
    if engine not in ("slurm", "ray"):
        yield {}
        return
    folder = Path(tempfile.mkdtemp(prefix=f"mlspec-{engine}-"))
    made = slurm_cluster.Cluster(folder) if engine == "slurm" else ray_cluster.Cluster(folder)
    try:
        made.start()
        own = {} if isinstance(made, slurm_cluster.Cluster) else made.environment
        yield own or {"SLURM_CONF": str(folder / "slurm.conf")}
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
