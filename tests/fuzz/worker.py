"""A process of a campaign: it mutates, executes and judges, and tells its parent line by line what came of it."""

import collections
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import judge
import targets
from inputs import FOLDER
from shared import Slate

SLICE = 0.25  # of a target's share, before the next target has its turn
POOL = 3000
ADDRESS_SPACE = 12 << 30
REDUCE = float(os.environ.get("MLSPEC_FUZZ_REDUCE", "8"))  # seconds for making a finding's input small


def corpus(name: str) -> list[bytes]:
    """The inputs of a target that are kept in the tree, but for those that end the process that executes them."""
    found = sorted((FOLDER / "corpus" / name).glob("*"))
    return [path.read_bytes() for path in found if path.is_file() and not path.name.startswith("held-")]


def work(names: list[str], seed: int, count: int, seconds: float, slate: Slate, tell: Any) -> None:
    """Execute until the count or the time is reached, each target in its share; ``tell`` is given what came of it."""
    chance, until = Random(seed), time.monotonic() + seconds
    pools: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory(prefix="mlspec-fuzz-") as folder, quiet():
        home = Path(folder)
        done = 0
        while done < count and time.monotonic() < until:
            for name in names:
                target = targets.load(name)
                scratch = home / name
                scratch.mkdir(exist_ok=True)
                if name not in pools:
                    pools[name] = [*target.seeds(), *corpus(name)] or [b""]
                    for data in pools[name]:  # what is made once is made before anything is measured
                        execute(name, target, data, scratch, slate, None, limits=False)
                done += _slice(
                    name, target, pools[name], chance, scratch, slate, tell, max(1, int(target.SHARE * SLICE)), until
                )


def _slice(
    name: str,
    target: judge.Target,
    pool: list[bytes],
    chance: Random,
    scratch: Path,
    slate: Slate,
    tell: Any,
    most: int,
    until: float,
) -> int:
    outcomes: collections.Counter[str] = collections.Counter()
    slowest = largest = 0.0
    began = time.process_time()
    seen: set[str] = _SEEN.setdefault(name, set())
    did = 0
    while did < most and time.monotonic() < until:
        did += 1
        # What was kept on the way has mostly been refused: the first ones go deeper.
        first = len(pool) - _KEPT.get(name, 0)
        data = target.mutate(pool[chance.randrange(first if chance.random() < 0.6 else len(pool))], chance)
        for _ in range(chance.choice((0, 0, 0, 0, 1, 2))):
            data = target.mutate(data, chance)
        verdict = execute(name, target, data, scratch, slate, tell, untold=did)
        outcomes[verdict.outcome.split(" ")[0]] += 1
        slowest, largest = max(slowest, verdict.cpu), max(largest, verdict.growth)
        # Without coverage, another outcome is what tells that an input goes another way.
        if verdict.outcome not in seen and len(pool) < POOL and verdict.finding is None:
            seen.add(verdict.outcome)
            pool.append(data)
            _KEPT[name] = _KEPT.get(name, 0) + 1
    tell(
        {
            "target": name,
            "count": did,
            "outcomes": dict(outcomes),
            "slowest": slowest,
            "largest": largest,
            "cpu": time.process_time() - began,
        }
    )
    return did


_KEPT: dict[str, int] = {}
_SEEN: dict[str, set[str]] = {}
_KEYS: set[tuple[str, str]] = set()


def execute(
    name: str,
    target: judge.Target,
    data: bytes,
    scratch: Path,
    slate: Slate,
    tell: Any,
    *,
    limits: bool = True,
    untold: int = 0,
) -> judge.Verdict:
    """One execution; what it finds is made small and told once."""
    slate.write(name, data, untold)
    verdict = judge.confirmed(target, data, scratch, limits=limits)
    slate.clear()
    found = verdict.finding
    if found is not None and found.kind in ("slow", "large") and targets.is_held(target, data):
        found = found._replace(kind="held", key=f"held: {found.key}")
    if found is not None and tell is not None and (name, found.key) not in _KEYS:
        _KEYS.add((name, found.key))

        def is_same(shorter: bytes) -> bool:
            slate.write(name, shorter)
            again = judge.judge(target, shorter, scratch).finding
            slate.clear()
            return again is not None and again.key == found.key

        least = judge.smallest(data, is_same, REDUCE) if found.kind == "exception" else data
        tell({"target": name, "finding": found.kind, "key": found.key, "detail": found.detail, "data": least.hex()})
    return verdict


@contextlib.contextmanager
def quiet() -> Any:
    """Nothing is printed, by libraries in other languages neither."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def main(said: dict[str, Any]) -> None:
    """Work as the parent has said, in JSON; facts go to standard output, a line each."""
    sys.set_int_max_str_digits(0)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def tell(fact: dict[str, Any]) -> None:
        out.write(json.dumps(fact) + "\n")
        out.flush()

    work(said["targets"], said["seed"], said["count"], said["seconds"], Slate(Path(said["slate"])), tell)
