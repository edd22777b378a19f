"""All the fault points, and kills of a real run: what the tests try a spread of.

python tests/faults/campaign.py calls            every call of the small run, killed and on a full disk, both engines
python tests/faults/campaign.py kills SPEC 50    50 kills at random moments of `mlspec run` on a copy of a spec
python tests/faults/campaign.py flips SPEC       every stored byte of a run of that spec, flipped
python tests/faults/campaign.py spec-calls SPEC 100   100 of the calls of a real run, each killed
python tests/faults/campaign.py dvc [N]          every call that records results in DVC (or N), killed
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlspec import paths
from mlspec.engine.run import lockfile as lock
from mlspec.engine.run import run_record
from mlspec.engine.run.run import run
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing import faults
from mlspec.testing.graphs import KINDS
from mlspec.testing.small_run import FAILED, made


def calls() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        expected = run(made(fresh(scratch, "expected")), kinds=KINDS).steps["last"].outputs
        for engine in ("inline", "local"):
            log = Path(scratch, "log")

            def command(root: Path, engine: str = engine) -> list[str]:
                return [sys.executable, "-m", "mlspec.testing.small_run", str(root), engine]

            root = fresh(scratch, f"points-{engine}")
            found = faults.points(command(root), root, log)
            ways: dict[str, Callable[[Path, faults.Point], faults.Ended]] = {
                "killed": lambda root, point, command=command, log=log: faults.killed(command(root), point, log),
                "full": lambda root, point, command=command, log=log: faults.full(
                    command(root), point, log, for_good=False
                ),
            }
            for way, put_in in ways.items():
                tally: Counter[str] = Counter()
                for point in found if way == "killed" else faults.fillable(found):
                    root = fresh(scratch, "run")
                    ended = put_in(root, point)
                    tally["hit" if ended.hit else "not reached"] += 1
                    if way == "full":
                        tally[f"exit {ended.code}"] += 1
                        clear = ended.code in (0, FAILED) and "Traceback" not in ended.output
                        if not clear or (ended.code != 0 and "no space" not in ended.output):
                            tally["unclear"] += 1
                            print(point, ended, flush=True)
                    store = Store(paths.store(paths.home(root)))
                    tally["damaged"] += bool(upkeep.verify(store))
                    ran = run(made(root, engine), kinds=KINDS)
                    tally["next run failed"] += ran.status != "done" or ran.steps["last"].outputs != expected
                    tally["left over"] += ran.folder is not None and bool(os.listdir(store.root / "tmp"))
                print(engine, way, len(found), "points", dict(tally), flush=True)


def kills(spec: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = fresh_spec(scratch, spec)
        began = time.monotonic()
        subprocess.run(command(root), check=True, capture_output=True)
        whole = time.monotonic() - began
        expected = locked(root)
        tally: Counter[str] = Counter()
        moments = random.Random(7)
        for _index in range(count):
            root = fresh_spec(scratch, spec)
            process = subprocess.Popen(
                command(root), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=False
            )
            try:
                process.wait(moments.uniform(0, whole))
                tally["had ended"] += 1
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            _ = process.communicate(timeout=60)  # at its end only when no worker is left
            store = Store(paths.store(paths.home(root)))
            stored = {action.fingerprint for action in store.actions()}
            tally["damaged"] += bool(upkeep.verify(store))
            before = set(run_record.folders(paths.home(root)))
            done = subprocess.run([*command(root), "--format", "json"], check=False, capture_output=True, text=True)
            tally[f"next run: exit {done.returncode}"] += 1
            tally["other results"] += locked(root) != expected
            tally["finished steps lost"] += lost(root, stored, before)
        print(f"{count} kills within {whole:.1f} s", dict(tally))


def flips(spec: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = fresh_spec(scratch, spec)
        subprocess.run(command(root), check=True, capture_output=True)
        store = Store(paths.store(paths.home(root)))
        total = unnoticed = 0
        checks: dict[str, Any] = {
            "objects": upkeep.check_object,
            "trees": upkeep.check_tree,
            "actions": upkeep.check_action,
        }
        for kind, check in checks.items():
            for path in sorted((store.root / kind).iterdir()):
                path.chmod(0o644)
                size = path.stat().st_size
                places_ = range(size) if size <= 20_000 else random.Random(size).sample(range(size), 20_000)
                with path.open("r+b", buffering=0) as file:
                    for place in places_:
                        byte = os.pread(file.fileno(), 1, place)
                        os.pwrite(file.fileno(), bytes([byte[0] ^ 1 << place % 8]), place)
                        total += 1
                        unnoticed += check(store, path.name) is None
                        os.pwrite(file.fileno(), byte, place)
        print(f"{total} flips in {sum(1 for _ in store.actions())} results, {unnoticed} not noticed")
        assert upkeep.verify(store) == []


def spec_calls(spec: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root, log = fresh_spec(scratch, spec), Path(scratch, "log")
        found = faults.points(command(root), root, log)
        expected = locked(root)
        tally: Counter[str] = Counter()
        for point in random.Random(11).sample(found, min(count, len(found))):
            root = fresh_spec(scratch, spec)
            ended = faults.killed(command(root), point, log)
            tally["hit" if ended.hit else "not reached"] += 1
            store = Store(paths.store(paths.home(root)))
            tally["damaged"] += bool(upkeep.verify(store))
            done = subprocess.run(command(root), check=False, capture_output=True)
            tally[f"next run: exit {done.returncode}"] += 1
            tally["other results"] += locked(root) != expected
        print(f"{len(found)} points", dict(tally))


def dvc(count: int | None) -> None:
    from dvc.repo import Repo

    from mlspec_backends import dvc as engine

    with tempfile.TemporaryDirectory() as scratch:
        # All is done, and DVC knows nothing of it: what is killed is the telling.
        unborn, log = fresh(scratch, "unborn"), Path(scratch, "log")
        engine.init(unborn)
        run(made(unborn), kinds=KINDS, lock=False)

        def copied(name: str) -> tuple[Path, list[str]]:
            root = Path(scratch, name)
            shutil.rmtree(root, ignore_errors=True)
            copied(unborn, root)
            return root, [sys.executable, "-W", "ignore", "-m", "mlspec.testing.small_run", str(root), "dvc"]

        whole, telling = copied("whole")
        found = faults.points(telling, whole, log)
        lock = (whole / "dvc.lock").read_bytes()
        chosen = found if count is None else random.Random(13).sample(found, count)
        tally: Counter[str] = Counter()
        for done, point in enumerate(chosen):
            if done % 20 == 0:
                print(f"{done} of {len(chosen)}, there are {len(found)}:", dict(tally), flush=True)
            root, telling = copied("run")
            tally["hit" if faults.killed(telling, point, log).hit else "not reached"] += 1
            status = subprocess.run([sys.executable, "-m", "dvc", "status", "-q"], cwd=root, check=False, timeout=120)
            # -q says 1 where something has changed, and 255 where DVC can't tell.
            tally["dvc status failed"] += status.returncode not in (0, 1)
            ran = run(made(root, "dvc"), kinds=KINDS, lock=False)
            tally["next run did steps again"] += ran.count("cached") != len(ran.steps)
            with Repo(str(root)) as repo:
                tally["changed for DVC afterwards"] += repo.status() != {}
            tally["other dvc.lock"] += (root / "dvc.lock").read_bytes() != lock
            tally["damaged"] += bool(upkeep.verify(Store(paths.store(paths.home(root)))))
        print(len(found), "points,", len(chosen), "tried", dict(tally), flush=True)


def command(root: Path) -> list[str]:
    start = "import sys; from mlspec.cli import main; sys.exit(main())"
    return [sys.executable, "-c", start, "run", str(root / "project.yaml")]


def locked(root: Path) -> object:
    """What the lock says of metrics and of results that don't measure time."""
    found = lock.read(lock.beside(root))
    return None if found is None else (found.metrics, {name: step.outputs for name, step in found.steps.items()})


def lost(root: Path, stored: set[str], before: set[Path]) -> int:
    """How many steps of runs since were done although their result was stored."""
    since = [folder for folder in run_record.folders(paths.home(root)) if folder not in before]
    lines = [line for folder in since for line in (folder / run_record.EVENTS).read_text().splitlines()]
    events = [json.loads(line) for line in lines]
    return sum(event["event"] == "step_finished" and event["fingerprint"] in stored for event in events)


def fresh(scratch: str, name: str) -> Path:
    root = Path(scratch, name)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


def fresh_spec(scratch: str, spec: Path) -> Path:
    root = Path(scratch, "spec")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(spec, root, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    return root


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["calls"]:
            calls()
        case ["kills", folder, number]:
            kills(Path(folder), int(number))
        case ["flips", folder]:
            flips(Path(folder))
        case ["spec-calls", folder, number]:
            spec_calls(Path(folder), int(number))
        case ["dvc", *number]:
            dvc(int(number[0]) if number else None)
        case _:
            sys.exit(__doc__)
