"""What cold `mlspec validate` and `mlspec compile` cost, as multiples of the CPU time of `python -c pass`.

    python benchmarks/startup.py [--spec specs/adult-income/project.yaml] [--runs 15]

CPU seconds (user + system) of whole processes, the median of the runs; the floor is measured in the same rounds.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

BUDGETS = {"validate": 8.0, "compile, cold": 28.0, "compile, nothing changed": 8.0}


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system seconds of one run of a command that must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print a table, and exit 1 where a budget is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, default=Path(__file__).parents[1] / "specs/adult-income/project.yaml")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    command = str(Path(sysconfig.get_path("scripts")) / "mlspec")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "project"
        shutil.copytree(options.spec.parent, folder, ignore=shutil.ignore_patterns(".mlspec"))
        spec = options.spec.name
        floor: list[float] = []
        seen: dict[str, list[float]] = {name: [] for name in BUDGETS}
        for _ in range(options.runs + 1):
            floor.append(cpu_seconds([sys.executable, "-c", "pass"], folder))
            seen["validate"].append(cpu_seconds([command, "validate", spec], folder))
            shutil.rmtree(folder / ".mlspec", ignore_errors=True)
            seen["compile, cold"].append(cpu_seconds([command, "compile", spec], folder))
            seen["compile, nothing changed"].append(cpu_seconds([command, "compile", spec], folder))
    base = statistics.median(floor[1:])
    print(f"{'python -c pass':28} {base * 1000:7.1f} ms CPU")
    over = False
    for name, values in seen.items():
        ratio = statistics.median(values[1:]) / base
        over |= ratio > BUDGETS[name]
        took = statistics.median(values[1:]) * 1000
        print(f"{name:28} {took:7.1f} ms CPU  {ratio:5.1f} x  (budget {BUDGETS[name]:g} x)")
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    main()
