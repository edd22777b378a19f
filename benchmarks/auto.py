"""Accuracy at equal time: mlspec beside AutoGluon, FLAML, CatBoost, LightGBM and HistGradientBoosting, on 30 tables.

    VENV/bin/python benchmarks/tables/export.py TABLES --tables auto.toml     # see there
    python benchmarks/auto.py TABLES RESULTS.jsonl --half chosen --autogluon PYTHON --flaml PYTHON [--seconds 60 300]
    python benchmarks/auto.py TABLES RESULTS.jsonl --half chosen --report

The tables of tables/auto.toml are in two halves: `chosen` may be looked at to choose defaults, `untouched` only for
published figures. Each table is cut once for each seed, 80 to 20, the classes in equal shares. Each contestant is a
process of its own, run by the Python of its own environment on the same cores: it gets the training rows and the test
rows without their target, and writes its predictions to a file, which one scorer scores. Its wall time is of the whole
process, reading and predicting included, and its CPU time with all of its child processes.

A line is added to RESULTS for each table, contestant, time and seed, with the versions of the contestant; what is there
already is not run again. `--autogluon` names the Python of an environment with
``autogluon.tabular[lightgbm,catboost,xgboost,fastai]``, `--flaml` one with ``flaml[automl] catboost``, which also runs
the single boosters. A contestant whose Python is not named does not run.
"""

import argparse
import csv
import hashlib
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

sys.path.insert(0, str(Path(__file__).parent / "contest"))
from score import score
from standing import BUSY, MixedError, report, usable

CONTEST = Path(__file__).parent / "contest"
TABLES = tomllib.loads((Path(__file__).parent / "tables" / "auto.toml").read_text())
CONTESTANTS = {  # name: script, word, whose Python
    "mlspec auto": ("play_mlspec.py", "auto", "mlspec"),
    "mlspec init": ("play_mlspec.py", "init", "mlspec"),
    "AutoGluon best": ("play_autogluon.py", "best_quality", "autogluon"),
    "AutoGluon high": ("play_autogluon.py", "high_quality", "autogluon"),
    "FLAML": ("play_flaml.py", "", "flaml"),
    "CatBoost": ("play_boosters.py", "catboost", "flaml"),
    "LightGBM": ("play_boosters.py", "lightgbm", "flaml"),
    "HGB": ("play_boosters.py", "hgb", "flaml"),
}


def cut(file: Path, target: str, metric: str, seed: int, folder: Path) -> tuple[list[str], list[str], int]:
    """Write train.csv and test.csv, the latter without the target; its test values, all classes, and the row count."""
    with file.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    place = header.index(target)
    values = [row[place] for row in rows]
    classes = [] if metric == "rmse" else sorted(set(values))
    train, test = train_test_split(
        np.arange(len(rows)), test_size=0.2, random_state=seed, stratify=values if classes else None
    )
    others = [k for k in range(len(header)) if k != place]
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *(rows[k] for k in train)])
    with (folder / "test.csv").open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([[row[k] for k in others] for row in (header, *(rows[n] for n in test))])
    return [values[k] for k in test], classes, len(rows)


def play(command: Sequence[str], folder: Path, limit: float) -> dict[str, Any]:
    """Run a contestant in the folder; its wall and CPU seconds, the cores that others used, and its error or None."""
    log = folder / "printed.txt"
    own, machine, began, load = spent(), busy(), time.monotonic(), os.getloadavg()[0]
    with log.open("wb") as printed:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    wall, cpu = time.monotonic() - began, spent() - own
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    error = None if code == 0 else f"exit code {code}: {' / '.join(last)}"[:600]
    others = max(0.0, (busy() - machine - cpu) / wall)
    return {"wall": round(wall, 2), "cpu": round(cpu, 2), "load": load, "others": round(others, 3), "error": error}


def spent() -> float:
    """CPU seconds of the processes that have been waited for, with their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy() -> float:
    """Seconds that the cores of this process have worked, for whomever."""
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu"))
    ticks = {name: map(int, (user, nice, system, irq, soft)) for name, user, nice, system, _, _, irq, soft, *_ in lines}
    return sum(sum(ticks[f"cpu{core}"]) for core in os.sched_getaffinity(0)) / os.sysconf("SC_CLK_TCK")


def quiet(seconds: float = 3) -> bool:
    """Whether the cores of this process have next to nothing to do."""
    before = busy()
    time.sleep(seconds)
    return (busy() - before) / seconds <= BUSY


def version(contestant: str, python: str) -> str:
    """Versions of the libraries, and digests of the code that is ours."""
    script = CONTEST / CONTESTANTS[contestant][0]
    words = [subprocess.run([python, script, "--version"], check=True, capture_output=True, text=True).stdout.strip()]
    parts = {"script": [script]}
    if "mlspec" in contestant:
        found = importlib.util.find_spec("mlspec")
        assert found is not None
        assert found.origin is not None
        parts["mlspec"] = sorted(Path(found.origin).parent.rglob("*.py"))
    for name, files in parts.items():
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.read_bytes())
        words.insert(0, f"{name} {digest.hexdigest()[:12]}")
    return ", ".join(words)


def matches(folder: Path, asked: argparse.Namespace, done: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Play what is not done yet; one result each."""
    pythons = {"mlspec": sys.executable, "autogluon": asked.autogluon, "flaml": asked.flaml}
    named = {one: pythons[CONTESTANTS[one][2]] for one in asked.contestants}
    versions = {one: version(one, python) for one, python in named.items() if python}
    keys = ("table", "contestant", "seconds", "seed", "version", "data", "cores")
    kept = {tuple(r[k] for k in keys) for r in done if not (asked.quiet_only and r["others"] > BUSY)}
    for seconds, seed, name in ((b, s, n) for b in asked.seconds for s in asked.seeds for n in asked.tables):
        target, metric = TABLES[name]["target"], TABLES[name]["metric"]
        with tempfile.TemporaryDirectory() as scratch:
            rows = Path(scratch)
            truth, classes, count = cut(folder / f"{name}.csv", target, metric, seed, rows)
            task = {"target": target, "metric": metric, "classes": classes, "seconds": seconds, "cores": asked.cores}
            (rows / "task.json").write_text(json.dumps({**task, "seed": seed}), encoding="utf-8")
            data = hashlib.sha256((rows / "train.csv").read_bytes() + (rows / "test.csv").read_bytes()).hexdigest()[:12]
            for one in versions:
                key = (name, one, seconds, seed, versions[one], data, asked.cores)
                if key in kept:
                    continue
                if asked.quiet_only and not quiet():
                    raise SystemExit(
                        f"the machine is busy (load {os.getloadavg()[0]:.1f}): {one} on {name} did not run"
                    )
                with tempfile.TemporaryDirectory() as place:
                    for file in ("train.csv", "test.csv", "task.json"):
                        (Path(place) / file).write_bytes((rows / file).read_bytes())
                    script, word, _ = CONTESTANTS[one]
                    result = play([named[one], str(CONTEST / script), word], Path(place), 3 * seconds + 300)
                    value = None
                    if result["error"] is None:
                        try:
                            value = score(metric, truth, classes, Path(place) / "predictions.csv")
                        except (OSError, ValueError) as wrong:
                            result["error"] = f"{type(wrong).__name__}: {wrong}"
                about = {"rows": count, "metric": metric, "half": TABLES[name]["half"]}
                yield {**dict(zip(keys, key, strict=True)), **about, "score": value, **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the exported tables")
    parser.add_argument("results", type=Path, help="the file of results, one JSON object a line")
    parser.add_argument("--half", choices=["chosen", "untouched"], required=True)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), help="only these of the half")
    parser.add_argument("--contestants", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    parser.add_argument("--seconds", nargs="+", type=int, default=[60], help="the time of a contestant")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="one cut of each table for each seed")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--autogluon", metavar="PYTHON", type=os.path.abspath)
    parser.add_argument("--flaml", metavar="PYTHON", type=os.path.abspath, help="also runs CatBoost, LightGBM and HGB")
    parser.add_argument("--quiet-only", action="store_true", help="stop on a busy machine; leave out disturbed results")
    parser.add_argument("--report", action="store_true", help="run nothing; print what the file says")
    parser.add_argument("--newest", action="store_true", help="report only the last version of each contestant")
    asked = parser.parse_args()
    half = [name for name, table in TABLES.items() if table["half"] == asked.half]
    asked.tables = [name for name in half if name in (asked.tables or half)]
    lines = asked.results.read_text(encoding="utf-8").splitlines() if asked.results.exists() else []
    results: list[dict[str, Any]] = [json.loads(line) for line in lines]
    if asked.report:
        for seconds in asked.seconds:
            wanted = (asked.tables, asked.contestants, asked.seeds)
            mine = [r for r in results if r["seconds"] == seconds and chosen(r, *wanted)]
            try:
                rows = usable(mine, quiet_only=asked.quiet_only, newest=asked.newest)
            except MixedError as mixed:
                raise SystemExit(f"{mixed}\nreport with --newest, or from another file") from None
            print(f"## {asked.half}, {seconds} s")
            there = {r["contestant"] for r in rows}
            print(
                "\n".join(report(rows, [one for one in asked.contestants if one in there], first=asked.contestants[0]))
            )
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    for result in matches(asked.folder, asked, results):
        with asked.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        value = result["error"] if result["score"] is None else f"{result['metric']} {result['score']:.5g}"
        where = f"{result['table']:14} {result['contestant']:15} {result['seconds']:4} s"
        took = f"wall {result['wall']:6.1f}  CPU {result['cpu']:6.1f}  others {result['others']:.2f}"
        print(f"{where}  {took}  {value}", flush=True)


def chosen(result: dict[str, Any], tables: Sequence[str], contestants: Sequence[str], seeds: Sequence[int]) -> bool:
    return result["table"] in tables and result["contestant"] in contestants and result["seed"] in seeds


if __name__ == "__main__":
    main()
