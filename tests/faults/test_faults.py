"""A kill or a full disk at any moment: the next run succeeds unaided, and nothing half-made is ever found.

A spread of the points is tried here; ``python tests/faults/campaign.py`` tries them all, and kills real runs.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests import hardware

from mlspec import paths
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing import faults
from mlspec.testing.graphs import KINDS
from mlspec.testing.small_run import FAILED, made

POINTS = pytest.mark.parametrize("count", [6, pytest.param(16, marks=pytest.mark.slow)])
ENGINES = ["inline", "local"]


def command(root: Path, engine: str) -> list[str]:
    return [sys.executable, "-m", "mlspec.testing.small_run", str(root), engine]


def outputs(ran: Run) -> dict[str, dict[str, str]]:
    return {name: done.outputs for name, done in ran.steps.items()}


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    return outputs(run(made(tmp_path_factory.mktemp("expected")), kinds=KINDS))


@pytest.fixture(scope="session", params=ENGINES)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[faults.Point]]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    folder = tmp_path_factory.mktemp("points")
    try:
        return request.param, faults.points(command(folder / "run", request.param), made_folder(folder), folder / "log")
    except RuntimeError as error:
        hardware.skip(f"strace can't trace here: {error}")


def made_folder(folder: Path) -> Path:
    (folder / "run").mkdir()
    return folder / "run"


def spread(points: list[faults.Point], count: int) -> list[faults.Point]:
    """Some of the points, of every kind of call."""
    seen: Counter[str] = Counter()
    ranks = {}
    for point in random.Random(3).sample(points, len(points)):
        ranks[point] = seen[point.call]
        seen[point.call] += 1
    return sorted(ranks, key=lambda point: (ranks[point], point))[:count]


def recovered(root: Path, engine: str, expected: dict[str, dict[str, str]]) -> None:
    """Nothing half-made can be found; the next run does what is left, and ends like one that nothing disturbed."""
    store = Store(paths.store(paths.home(root)))
    assert upkeep.verify(store) == []
    stored = sum(1 for _ in store.actions())
    ran = run(made(root, engine), kinds=KINDS)
    assert ran.failures == ()
    assert outputs(ran) == expected
    assert ran.count("cached") == stored
    assert upkeep.verify(store) == []
    assert run(made(root, engine), kinds=KINDS).folder is None
    if ran.folder is not None:
        assert (os.listdir(store.root / "tmp"), os.listdir(store.root / "locks")) == ([], [])


@POINTS
def test_killed_at_any_call(
    found: tuple[str, list[faults.Point]], expected: dict[str, dict[str, str]], tmp_path: Path, count: int
) -> None:
    engine, points = found
    hits = 0
    for index, point in enumerate(spread(points, count)):
        root = tmp_path / str(index)
        root.mkdir()
        hits += faults.killed(command(root, engine), point, tmp_path / "log").hit
        recovered(root, engine, expected)
    assert hits > count // 2


@POINTS
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
def test_disk_full_at_any_call(
    found: tuple[str, list[faults.Point]],
    expected: dict[str, dict[str, str]],
    tmp_path: Path,
    for_good: bool,
    count: int,
) -> None:
    engine, points = found
    # If all writing failed for good, what the command prints would too.
    candidates = [point for point in faults.fillable(points) if not (for_good and point.call == "write")]
    for index, point in enumerate(spread(candidates, count // 2)):
        root = tmp_path / str(index)
        root.mkdir()
        ended = faults.full(command(root, engine), point, tmp_path / "log", for_good=for_good)
        assert "Traceback" not in ended.output, (point, ended.output)
        assert ended.code in (0, FAILED), (point, ended)
        if ended.code:
            assert "no space" in ended.output.lower(), (point, ended.output)
        recovered(root, engine, expected)


SMALL_DISK = """
mount -t tmpfs -o size=$3k none "$1" || exit 77
"$2" -m mlspec.testing.small_run "$1" local
code=$?
mount -o remount,size=8m "$1"
"$2" -m mlspec.testing.small_run "$1" local || exit 1
"$2" -m mlspec.testing.small_run "$1" inline || exit 1
exit $code
"""


@pytest.mark.parametrize("size", [0, 16, 32, 48, 64, 96])
def test_a_disk_that_really_is_full(tmp_path: Path, size: int) -> None:
    """A disk of that many KiB, at least a page; when it has grown, the next run succeeds."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    shell = ["unshare", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh"]
    done = subprocess.run(
        [*shell, str(tmp_path), sys.executable, str(max(size, 4))], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        hardware.skip("no file system can be mounted here")
    assert done.returncode in (0, FAILED), done
    assert done.stderr == ""
    assert ("no space is left on the disk" in done.stdout) == (done.returncode == FAILED), done.stdout


def test_two_runs_at_once_do_each_step_once(expected: dict[str, dict[str, str]], tmp_path: Path) -> None:
    processes = [subprocess.Popen(command(tmp_path, engine)) for engine in ("local", "inline", "local")]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["first", "second", "third"]
    recovered(tmp_path, "local", expected)


def test_killed_at_random_moments(expected: dict[str, dict[str, str]], tmp_path: Path) -> None:
    moments = random.Random(5)
    for index in range(6):
        root = tmp_path / str(index)
        root.mkdir()
        process = subprocess.Popen(command(root, "local"))
        try:
            process.wait(moments.uniform(0.05, 0.4))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        recovered(root, "local", expected)
