"""Campaigns that coverage guides: atheris traces the code of mlspec, libFuzzer keeps the inputs that reach more of it.

One process a target: libFuzzer fuzzes one function. Inputs are mutated by the target's own ``mutate``, every fifth time
by libFuzzer.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import targets
from campaign import STUCK, Totals, Worker, _noted, environment
from inputs import FOLDER
from shared import Slate


def run(names: list[str], *, count: int, seconds: float, seed: int, workers: int, findings: Path) -> Totals:
    """As ``campaign.run``, the time and the count shared by the targets that coverage can guide."""
    names = [name for name in names if targets.load(name).TRACED]
    totals, shares = Totals(), sum(targets.load(name).SHARE for name in names)
    with tempfile.TemporaryDirectory(prefix="mlspec-fuzz-") as home:
        waiting = [
            (
                Worker(at, [name], seed + at, max(1, count * targets.load(name).SHARE // shares), 0, Path(home)),
                seconds * workers / len(names),
            )
            for at, name in enumerate(names)
        ]
        running: list[tuple[Worker, subprocess.Popen[bytes], Any, float]] = []
        while waiting or running:
            while waiting and len(running) < workers:
                one, most = waiting.pop(0)
                running.append(_started(one, most, Path(home)))
            time.sleep(0.2)
            for entry in list(running):
                one, process, out, until = entry
                _target, _data, took = one.slate.read()
                if took > STUCK:
                    os.killpg(process.pid, signal.SIGKILL)
                if process.poll() is None:
                    continue
                running.remove(entry)
                _ended(one, process, out, totals, findings)
                if process.returncode and one.left > 0 and until - time.monotonic() > 1 and one.starts < 50:
                    waiting.append((one, until - time.monotonic()))
    return totals


def _started(one: Worker, seconds: float, home: Path) -> tuple[Worker, subprocess.Popen[bytes], Any, float]:
    one.starts += 1
    one.slate.clear()
    said = {"target": one.names[0], "seed": one.seed + 1000 * one.starts, "slate": str(one.path)}
    said |= {"corpus": str(home / f"corpus-{one.names[0]}"), "count": one.left, "seconds": max(1, int(seconds))}
    out = (home / f"facts-{one.index}-{one.starts}").open("w+b")
    command = [sys.executable, str(FOLDER), "--covered", json.dumps(said)]
    process = subprocess.Popen(
        command, stdout=out, stderr=subprocess.DEVNULL, env=environment(), start_new_session=True
    )
    return one, process, out, time.monotonic() + seconds


def _ended(one: Worker, process: "subprocess.Popen[bytes]", out: Any, totals: Totals, findings: Path) -> None:
    out.seek(0)
    for line in out.read().splitlines():
        if line.startswith(b"{"):
            _noted(json.loads(line), one, totals, findings)
    out.close()
    target, data, took = one.slate.read()
    if process.returncode and target:
        held = "held: " if targets.is_held(targets.load(target), data) else ""
        why = f"{held}{'hang' if took > STUCK else 'crash'} exit {process.returncode}"
        _noted(
            {"target": target, "finding": "crash", "key": why, "detail": why, "data": data.hex()}, one, totals, findings
        )


def main(said: dict[str, Any]) -> None:
    """Fuzz one target in this process, as the parent has said."""
    import atheris

    with atheris.instrument_imports(include=["mlspec", "mlspec_backends"]):
        import targets

        import mlspec.api
        import mlspec.diagnostics  # noqa: F401

        target = targets.load(said["target"])
        # What is imported inside functions is traced only where it is imported here.
        for module in (
            "spec.load",
            "spec.resolve",
            "rules.check",
            "rules._look",
            "spec.expression",
            "sources.csv",
            "sources._text",
        ):
            __import__(f"mlspec.{module}")
        from mlspec.rules.check import rules

        rules()
    import judge
    import worker

    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    slate, name = Slate(Path(said["slate"])), said["target"]
    scratch = Path(tempfile.mkdtemp(prefix="mlspec-fuzz-"))
    corpus = Path(said["corpus"])
    corpus.mkdir(exist_ok=True)
    seeds = [*target.seeds(), *worker.corpus(name)]
    for index, data in enumerate(seeds):
        (corpus / f"seed-{index}").write_bytes(data)
        judge.judge(target, data, scratch, limits=False)
    state = {"count": 0, "slowest": 0.0, "largest": 0.0}
    outcomes: dict[str, int] = {}

    def tell(fact: dict[str, Any]) -> None:
        out.write(json.dumps(fact) + "\n")
        out.flush()

    def report() -> None:
        if state["count"]:
            tell({"target": name, **state, "outcomes": outcomes, "cpu": 0.0})
        state["count"] = 0
        outcomes.clear()

    def one(data: bytes) -> None:
        verdict = worker.execute(name, target, data, scratch, slate, tell)
        state["count"] += 1
        state["slowest"], state["largest"] = max(state["slowest"], verdict.cpu), max(state["largest"], verdict.growth)
        word = verdict.outcome.split(" ")[0]
        outcomes[word] = outcomes.get(word, 0) + 1
        if state["count"] >= 500:
            report()

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        chance = Random(seed)
        if chance.random() < 0.2:
            return bytes(atheris.Mutate(data, most))
        return bytes(target.mutate(data, chance))[:most]

    options = [
        f"-seed={said['seed']}",
        f"-runs={said['count']}",
        f"-max_total_time={said['seconds']}",
        "-max_len=262144",
        "-len_control=0",
    ]
    options += ["-timeout=120", "-rss_limit_mb=0", "-verbosity=0", "-print_final_stats=0", str(corpus)]
    import atexit

    atexit.register(report)
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=mutated)
    try:
        atheris.Fuzz()
    finally:
        report()
