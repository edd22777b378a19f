"""A campaign over real tables: `mlspec init FILE`, then `mlspec run --profile quick`, without an edit.

    python benchmarks/tables/export.py FOLDER        # with the Python that has the packages; see there
    python benchmarks/any_table.py FOLDER OUT [--only NAME,NAME] [--damaged] [--no-trial] [--only-init] [--experts FILE]

FOLDER has the tables and files.json; OUT gets one folder a table, each with its spec and what the commands printed, and
results.json. With --damaged, the CSV tables are tried again as copies that are damaged in one way each
(tables/damage.py, seeded); an undamaged table has the judgement of an expert (tables/tables.toml), a damaged one should
be refused or give the same target as its original.

Printed for each table: how it ended, the chosen target, task and split, the columns left out, seconds of CPU, and what
the expert disagrees with. Exits with 1 for an internal error, a traceback, or a spec that `init` wrote and `run`
refused.
"""

import argparse
import csv
import json
import re
import resource
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

sys.path.insert(0, str(Path(__file__).parent / "tables"))
from damage import DAMAGES, Table

TABLES = Path(__file__).parent / "tables" / "tables.toml"
TASKS = {"binary_classification": "binary", "multiclass_classification": "multiclass"}
SLOWEST = 400_000  # bytes of a table that is worth a damaged copy
Outcome = Literal[
    "written", "held", "not held", "init refused", "run refused", "step failed", "internal error", "too slow"
]
BROKEN: tuple[Outcome, ...] = ("run refused", "step failed", "internal error")


@dataclass(frozen=True)
class Tried:
    """One table, and what came of it."""

    name: str
    outcome: Outcome
    said: str = ""
    target: str = ""
    task: str = ""
    split: str = ""
    left_out: tuple[str, ...] = ()
    disagree: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Way:
    """The limit of a command in seconds, words in front of it, whether specs are run, whether `init` tries them."""

    seconds: float = 60
    before: tuple[str, ...] = ()
    runs: bool = True
    tries: bool = True


def command(way: Way, folder: Path, *words: str) -> tuple[int, str]:
    """Run mlspec in a folder; its exit code (124: it ran for too long) and what it printed."""
    mlspec = str(Path(sys.executable).with_name("mlspec"))
    try:
        done = subprocess.run(
            [*way.before, mlspec, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=way.seconds,
        )
    except subprocess.TimeoutExpired:
        return 124, ""
    printed = done.stdout + done.stderr
    with (folder / "printed.txt").open("a") as log:
        log.write(f"$ mlspec {shlex.join(words)}\n{printed}[exit {done.returncode}]\n")
    return done.returncode, printed


def outcome(step: str, code: int, printed: str) -> Outcome:
    if code == 124:
        return "too slow"
    if code == 70 or code < 0 or "Traceback (most recent call last)" in printed or "internal error" in printed:
        return "internal error"
    if step == "init":
        return "init refused" if code else "written"
    known: dict[int, Outcome] = {0: "held", 1: "not held", 2: "run refused", 3: "step failed"}
    return known.get(code, "internal error")


def complaint(printed: str) -> str:
    """The line that says what is wrong."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search(r"error|refused|failed|can't|cannot|unclear", line, re.IGNORECASE)]
    return (wrong or lines or [""])[0]


def attempt(name: str, file: Path, out: Path, way: Way) -> tuple[Tried, dict[str, Any]]:
    """Try one file; also its spec."""
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file.name).write_bytes(file.read_bytes())
    started = spent()
    code, printed = command(way, folder, "init", *(() if way.tries else ("--no-trial",)), file.name)
    ended = outcome("init", code, printed)
    if ended != "written":
        return Tried(name, ended, complaint(printed), seconds=spent() - started), {}
    spec = yaml.safe_load((folder / "project.yaml").read_text())
    if way.runs:
        ended = outcome("run", *(ran := command(way, folder, "run", "--profile", "quick")))
        printed = ran[1]
    columns = spec["data"]["columns"]
    tried = Tried(
        name,
        ended,
        complaint(printed) if ended not in ("written", "held", "not held") else "",
        target=columns["target"],
        task=TASKS.get(spec["project"]["task"], spec["project"]["task"]),
        split=split(spec),
        left_out=left_out(spec),
        seconds=spent() - started,
    )
    return tried, spec


def spent() -> float:
    """CPU seconds of the commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def split(spec: Mapping[str, Any]) -> str:
    """The split in few words: `time on`, `group id, cv`."""
    data = spec["data"].get("split", {})
    words = " ".join(str(data[key]) for key in ("by", "column") if key in data)
    return ", ".join([words] + (["cv"] if "cross_validation" in spec.get("model", {}) else []))


def left_out(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that no model gets, by the spec."""
    columns = spec["data"]["columns"]
    personal = [c for c, use in spec["data"].get("personal", {}).items() if "drop" in str(use.get("action", ""))]
    return (*filter(None, [columns.get("id")]), *columns.get("drop", ()), *columns.get("sensitive", ()), *personal)


def judged(tried: Tried, spec: Mapping[str, Any], expert: Mapping[str, Any]) -> tuple[str, ...]:
    """What the expert disagrees with: target, task, split, columns that tell the target or identify a row."""
    if not tried.target:
        return ("refused",)
    target = tried.target.strip("'")  # of a header in the wrong quotes
    if target not in expert["target"]:
        return ("target",)
    wrong = [] if tried.task in expert["target"][target].split("|") else ["task"]
    if not any(fits(tried.split, wanted) for wanted in expert["split"]):
        wrong.append("split")
    features = spec["data"]["columns"].get("features")
    used = set(expert.get("never", ())) - {tried.target, *tried.left_out}
    used.discard(spec["data"].get("split", {}).get("column"))  # what rows are split by is no feature
    leaks = sorted(used & set(features) if features is not None else used)
    if "" in leaks:
        leaks.remove("")  # the index of pandas is no feature unless the spec says so
    return (*wrong, *(f"uses {name}" for name in leaks))


def fits(split: str, wanted: str) -> bool:
    if wanted == "rows":
        return split.split(",")[0].split(" ")[0] in ("random", "stratified", "hash")
    return (wanted == "cv" and split.endswith(", cv")) or split.split(" ")[0].rstrip(",") == wanted


def copies(files: Mapping[str, Path], folder: Path) -> Iterator[tuple[str, str, Path]]:
    """The small CSV tables, each damaged in one way: the name of the table, of the damage, and the file."""
    damages = list(DAMAGES)[1:]
    small = [(name, file) for name, file in files.items() if file.suffix == ".csv" and file.stat().st_size < SLOWEST]
    for number, (name, file) in enumerate(small):
        with file.open(newline="", encoding="utf-8-sig", errors="replace") as lines:
            header, *rows = csv.reader(lines)
        if len(header) < 2 or any(len(row) != len(header) for row in rows):
            continue
        damage = damages[number * 7 % len(damages)]
        made = DAMAGES[damage](Table(tuple(header), tuple(map(tuple, rows))))
        target = folder / f"{name}.{made.ending}"
        target.write_bytes(made.content)
        yield name, damage, target


def line(tried: Tried) -> str:
    left, wrong = ", ".join(tried.left_out), "; ".join(tried.disagree)
    words = f"{tried.name:24} {tried.outcome:14} {tried.target[:18]:18} {tried.task:10} {tried.split[:22]:22}"
    said = f"\n    {tried.said[:170]}" if tried.said else ""
    return f"{words} {tried.seconds:5.1f}  {wrong or 'agrees':30}  {left[:60] or '-'}{said}"


def campaign(
    files: Mapping[str, Path], out: Path, way: Way, *, damaged: bool = False, judgements: Path = TABLES
) -> Iterator[Tried]:
    """Try each table, the small ones first, then the damaged copies."""
    experts = tomllib.loads(judgements.read_text())
    chosen: dict[str, str] = {}
    for name in sorted(files, key=lambda n: files[n].stat().st_size):
        tried, spec = attempt(name, files[name], out, way)
        chosen[name] = tried.target
        yield Tried(**{**asdict(tried), "disagree": judged(tried, spec, experts[name])})
    if not damaged:
        return
    (out / "damaged").mkdir(parents=True, exist_ok=True)
    for name, damage, file in copies(files, out / "damaged"):
        tried, _spec = attempt(f"{name}, {damage}".replace("/", " "), file, out, way)
        other = tried.target and tried.target != chosen[name]
        yield Tried(**{**asdict(tried), "disagree": (f"not {chosen[name]}",) if other else ()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="names of tables, separated by commas")
    parser.add_argument("--damaged", action="store_true", help="also damaged copies")
    parser.add_argument("--only-init", action="store_true", help="without a trial and without a run: minutes less")
    parser.add_argument("--no-trial", action="store_true", help="run what `init` writes without having tried it: half")
    parser.add_argument("--seconds", type=float, default=60, help="the limit of each command")
    parser.add_argument("--experts", type=Path, default=TABLES, help="the judgements, of other tables: untouched.toml")
    parser.add_argument("--before", default="", help="words in front of each command")
    asked = parser.parse_args()
    named = json.loads((asked.folder / "files.json").read_text())
    only = [name for name in asked.only.split(",") if name] or list(named)
    files = {name: (asked.folder / named[name]).resolve() for name in only}
    asked.out.mkdir(parents=True, exist_ok=True)
    results: list[Tried] = []
    print(
        f"{'table':24} {'outcome':14} {'target':18} {'task':10} {'split':22} {'CPU s':>5}  {'the expert':30}  left out"
    )
    way = Way(
        asked.seconds, tuple(shlex.split(asked.before)), not asked.only_init, not (asked.only_init or asked.no_trial)
    )
    for tried in campaign(files, asked.out.resolve(), way, damaged=asked.damaged, judgements=asked.experts):
        results.append(tried)
        print(line(tried), flush=True)
        (asked.out / "results.json").write_text(json.dumps([asdict(r) for r in results], indent=1))
    print()
    print(summary(results))
    sys.exit(1 if any(tried.outcome in BROKEN for tried in results) else 0)


def summary(results: Sequence[Tried]) -> str:
    counts: dict[str, int] = {}
    for tried in results:
        counts[tried.outcome] = counts.get(tried.outcome, 0) + 1
    agreed, seconds = sum(not tried.disagree for tried in results), sum(tried.seconds for tried in results)
    parts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return f"{len(results)} tables: {parts}; the expert agrees with {agreed}; {seconds:.0f} s of CPU"


if __name__ == "__main__":
    main()
