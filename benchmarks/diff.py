"""What cold `mlspec diff` costs: a spec of 100 lines and one of 10,000, each with a few changes, against a git commit;
and `mlspec diff --all` over 30 specs of 100 lines, ten of them with these changes.

    python benchmarks/diff.py [--runs 7] [--json]

CPU seconds (user + system) of whole processes, git's included, the median of the runs; beside it `python -c pass` from
the same rounds. Budgets: 0.5 s for the small spec, 3 s for the large one and for all. The large one has every kind of
line that a spec can have many of: candidates with their settings, tuning with spaces, gates, expectations, columns.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

BUDGETS = {"100 lines": 0.5, "10,000 lines": 3.0, "30 specs": 3.0}
SPECS = 30


def spec(lines: int) -> str:
    """A spec of about that many lines."""
    columns = max(10, lines // 10)
    candidates = max(4, lines // 20)
    names = [f"c{index}" for index in range(columns)]
    made = ["mlspec: 1", "project: {name: wide, task: binary_classification}", "constraints:", "  quality:"]
    metrics = ("roc_auc", "log_loss", "accuracy", "brier", "f1")
    for metric in metrics:
        bound = "at_most" if metric in ("log_loss", "brier") else "at_least"
        made.append(f"    - {{metric: {metric}, {bound}: 0.5}}")
    made += ["data:", "  sources:", "    people: {path: people.csv}", "  columns:", "    target: income", "    types:"]
    made += [f"      {name}: number" for name in names]
    made += ["  expect:"]
    for name in names:
        made += [f"    - column: {name}", "      between: [0, 1000]", "      missing: {at_most: 0.5}"]
    made += ["model:", "  candidates:"]
    for index in range(candidates):
        made += [f"    m{index}:", "      type: logistic_regression", f"      C: {1 + index}", "      max_iter: 200"]
    made += ["  select:", "    metric: roc_auc", "tuning:"]
    for index in range(candidates // 2):
        made += [f"  m{index}:", "    trials: 5", "    space:", "      C:", "        log: [0.01, 100]"]
    made += ["evaluation:", f"  metrics: [{', '.join(metrics)}]"]
    rest = lines - len(made)
    made += ["profiles:", "  smoke:", "    data:", "      sample: 100", *["# a comment"] * max(0, rest - 4)]
    return "\n".join(made) + "\n"


def edited(text: str) -> str:
    """A few changes: a gate, a setting, a candidate, the number of trials."""
    for old, new in (
        ("roc_auc, at_least: 0.5", "roc_auc, at_least: 0.4"),
        ("      C: 2\n", "      C: 2.5\n"),
        ("    m3:\n", "    m3b:\n      type: random_forest\n    m3:\n"),
        ("    trials: 5\n", "    trials: 9\n"),
    ):
        text = text.replace(old, new, 1)
    return text


def project(folder: Path, lines: int) -> int:
    """A committed spec of that many lines, then edited; how many it has."""
    text = written(folder, lines)
    committed(folder)
    (folder / "project.yaml").write_text(edited(text))
    return text.count("\n")


def many(folder: Path, lines: int = 100) -> int:
    """A repository of committed specs, a third of them then edited; how many lines they have."""
    texts = [written(folder / f"s{index}", lines) for index in range(SPECS)]
    committed(folder)
    for index in range(0, SPECS, 3):
        (folder / f"s{index}/project.yaml").write_text(edited(texts[index]))
    return sum(text.count("\n") for text in texts)


def written(folder: Path, lines: int) -> str:
    """Write a spec and its data; the spec's text."""
    folder.mkdir(exist_ok=True)
    text = spec(lines)
    names = [f"c{index}" for index in range(max(10, lines // 10))]
    row = ",".join("1.5" for _ in names)
    (folder / "people.csv").write_text(",".join([*names, "income"]) + "\n" + f"{row},low\n{row},high\n" * 20)
    (folder / "project.yaml").write_text(text)
    return text


def committed(folder: Path) -> None:
    """Make a repository of a folder, with all of it in one commit."""
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "base"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system seconds of one run of a command that must succeed, and of what it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print, and exit 1 where a budget is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    program = str(Path(sysconfig.get_path("scripts")) / "mlspec")
    found: dict[str, dict[str, float]] = {}
    for name, budget in BUDGETS.items():
        with tempfile.TemporaryDirectory() as scratch:
            is_all = name.endswith("specs")
            command = [program, "diff", *(["--all"] if is_all else [])]
            lines = many(Path(scratch)) if is_all else project(Path(scratch), int(name.split()[0].replace(",", "")))
            cpu_seconds(command, Path(scratch))
            floor, took = [], []
            for _ in range(options.runs):
                floor.append(cpu_seconds([sys.executable, "-c", "pass"], Path(scratch)))
                took.append(cpu_seconds(command, Path(scratch)))
            found[name] = {
                "lines": lines,
                "seconds": round(statistics.median(took), 3),
                "python": round(statistics.median(floor), 4),
                "budget": budget,
            }
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, row in found.items():
            ratio = row["seconds"] / row["python"]
            print(f"{name:14} {row['seconds']:6.3f} s CPU, {ratio:5.1f} x python -c pass  (budget {row['budget']:g} s)")
    sys.exit(any(row["seconds"] > row["budget"] for row in found.values()))


if __name__ == "__main__":
    main()
