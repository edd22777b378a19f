"""Starts workers, keeps what made one of them die or hang, and prints what came of it all."""

import collections
import hashlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import IO, Any

import targets
from inputs import FOLDER, ROOT
from shared import Slate

TOLD = 600  # seconds between two lines of progress
STUCK = 90  # seconds of one execution, after which its process is killed


class Totals:
    """What came of each target."""

    def __init__(self) -> None:
        self.count: collections.Counter[str] = collections.Counter()
        self.outcomes: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self.slowest: dict[str, float] = collections.defaultdict(float)
        self.largest: dict[str, float] = collections.defaultdict(float)
        self.cpu: collections.Counter[str] = collections.Counter()
        self.findings: dict[tuple[str, str], Path] = {}

    def text(self) -> str:
        """A line a target, then what was found."""
        rows = [_row("target", "executions", "CPU s", "slowest s", "largest MB", "findings", "outcomes")]
        for name in sorted(self.count):
            ends = ", ".join(f"{key} {n:,}" for key, n in self.outcomes[name].most_common(4))
            took = (f"{self.cpu[name]:.0f}", f"{self.slowest[name]:.2f}", f"{self.largest[name]:.0f}")
            rows.append(_row(name, f"{self.count[name]:,}", *took, self._found(name), ends))
        took = (f"{sum(self.cpu.values()):.0f}", f"{max(self.slowest.values(), default=0):.2f}")
        most = f"{max(self.largest.values(), default=0):.0f}"
        rows.append(_row("all", f"{sum(self.count.values()):,}", *took, most, self._found(None)))
        for (target, key), path in sorted(self.findings.items()):
            rows.append(f"{'HELD' if key.startswith('held: ') else 'FOUND'} {target}: {key} ({path})")
        return "\n".join(rows)

    def _found(self, name: str | None) -> str:
        return str(sum(name in (None, target) and not key.startswith("held: ") for target, key in self.findings))

    def failed(self) -> bool:
        """Whether anything was found that no child process holds."""
        return any(not key.startswith("held: ") for _target, key in self.findings)


def _row(name: str, *cells: str) -> str:
    widths = (11, 7, 10, 11, 9)
    placed = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False)]
    return f"{name:12} {' '.join(placed)}  {' '.join(cells[len(widths) :])}".rstrip()


class Worker:
    """A process, what it is doing, and what it still has to do."""

    def __init__(self, index: int, names: list[str], seed: int, count: int, until: float, home: Path) -> None:
        self.index, self.names, self.seed, self.left, self.until = index, names, seed, count, until
        self.path = home / f"slate-{index}"
        self.slate = Slate(self.path, new=True)
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> IO[bytes]:
        """Start it, with another seed each time."""
        said = {
            "targets": self.names,
            "seed": self.seed + 1000 * self.starts,
            "count": self.left,
            "slate": str(self.path),
        }
        said["seconds"] = max(0.0, self.until - time.monotonic())
        self.starts += 1
        self.slate.clear()
        self.process = subprocess.Popen(
            [sys.executable, str(FOLDER), "--worker", json.dumps(said)],
            stdout=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
        assert self.process.stdout is not None
        return self.process.stdout


def environment() -> dict[str, str]:
    """What workers are started with: this tree's code, one thread for each library."""
    code = os.pathsep.join((str(ROOT / "src"), str(ROOT / "backends")))
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "RAYON")}
    return {**os.environ, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1", "POLARS_MAX_THREADS": "1", **threads}


def run(names: list[str], *, count: int, seconds: float, seed: int, workers: int, findings: Path) -> Totals:
    """A campaign. Whatever ends a worker is a finding, and another one takes its place."""
    totals, until, told = Totals(), time.monotonic() + seconds, time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="mlspec-fuzz-") as home, selectors.DefaultSelector() as selector:
        for index in range(workers):
            one = Worker(
                index, names, seed * 1_000_003 + index, count // workers + (index < count % workers), until, Path(home)
            )
            selector.register(one.start(), selectors.EVENT_READ, one)
        try:
            while selector.get_map():
                ready = selector.select(timeout=5)
                if time.monotonic() - told > TOLD:
                    told = time.monotonic()
                    print(totals.text().split("\nall ")[1].split("\n")[0].strip(), flush=True)
                for key, _ in ready:
                    _heard(key.data, key.fileobj, totals, findings, selector)
                for held in list(selector.get_map().values()):
                    target, _data, took = held.data.slate.read()
                    if target and took > STUCK:
                        os.killpg(held.data.process.pid, signal.SIGKILL)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
        finally:
            for held in list(selector.get_map().values()):
                os.killpg(held.data.process.pid, signal.SIGKILL)
    return totals


def _heard(one: Worker, stream: Any, totals: Totals, findings: Path, selector: selectors.BaseSelector) -> None:
    line = stream.readline()
    if line:
        _noted(json.loads(line), one, totals, findings)
        return
    assert one.process is not None
    code = one.process.wait()
    selector.unregister(stream)
    stream.close()
    target, data, took = one.slate.read()
    if code and target:
        done = one.slate.untold()
        one.left -= done
        totals.count[target] += done
        totals.outcomes[target]["(before a crash)"] += done
        why = f"{'hang' if took > STUCK else 'crash'} {signal.Signals(-code).name if code < 0 else f'exit {code}'}"
        if targets.is_held(targets.load(target), data):
            why = f"held: {why}"
        fact = {
            "target": target,
            "finding": "crash",
            "key": why,
            "detail": f"{why} after {took:.1f} s",
            "data": data.hex(),
        }
        _noted(fact, one, totals, findings)
    elif code:
        print(f"worker {one.index} ended with {code} outside any execution", file=sys.stderr)
    if code and one.left > 0 and time.monotonic() < one.until and one.starts < 1000:
        selector.register(one.start(), selectors.EVENT_READ, one)


def _noted(fact: dict[str, Any], one: Worker, totals: Totals, findings: Path) -> None:
    name = fact["target"]
    if "finding" not in fact:
        one.left -= fact["count"]
        totals.count[name] += fact["count"]
        totals.cpu[name] += fact["cpu"]
        totals.outcomes[name].update(fact["outcomes"])
        totals.slowest[name] = max(totals.slowest[name], fact["slowest"])
        totals.largest[name] = max(totals.largest[name], fact["largest"])
        return
    if (name, fact["key"]) in totals.findings:
        return
    data = bytes.fromhex(fact["data"])
    folder = findings / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(fact["key"].encode()).hexdigest()[:10]
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(
        f"{fact['finding']}: {fact['key']}\n{fact['detail']}\n", encoding="utf-8", errors="replace"
    )
    totals.findings[name, fact["key"]] = path
    print(f"FOUND {name}: {fact['key']} ({len(data):,} bytes: {path})", flush=True)


def replay(names: list[str], files: list[Path], scratch: Path) -> list[str]:
    """Execute inputs that are kept, those of the corpus without ``files``; what is wrong with them, a line each."""
    import judge
    import worker

    wrong = []
    for name in names:
        target = targets.load(name)
        kept = files or sorted(path for path in (FOLDER / "corpus" / name).glob("*") if path.is_file())
        for path in kept:
            (scratch / name).mkdir(exist_ok=True)
            print(f"{name}/{path.name}", flush=True)
            with worker.quiet():
                # What a child process suffers is left to one here too.
                one = types.SimpleNamespace(one=target.apart) if path.name.startswith("held-") else target
                verdict = judge.judge(one, path.read_bytes(), scratch / name, limits=bool(files))
            if files:
                print(f"  {verdict.outcome}, {verdict.cpu:.2f} s, {verdict.growth:.0f} MB")
            if verdict.finding is not None:
                wrong.append(
                    f"{name}/{path.name}: {verdict.finding.kind}: {verdict.finding.key}\n{verdict.finding.detail}"
                )
    return wrong
