"""The installed command, on copies of the example projects."""

import fcntl
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from mlspec import api

ROOT = Path(__file__).parents[2]
COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
Done = subprocess.CompletedProcess[str]
Mlspec = Callable[..., Done]


def call(*arguments: str, cwd: Path, code: int | None = 0) -> Done:
    """Run the command in a folder; the exit code must be ``code`` unless that is None."""
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def copy(name: str, folder: Path) -> Path:
    """A copy of an example without what running it has left."""
    target = folder / name
    shutil.copytree(ROOT / "specs" / name, target, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    return target


@pytest.fixture
def penguins(tmp_path: Path) -> Path:
    """The penguins, never run."""
    return copy("penguins", tmp_path)


@pytest.fixture(scope="session")
def ran_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The penguins, run once for all workers; to be copied, not changed."""
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    kept = top / "penguins-ran.json"
    with open(top / "penguins-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            (top / "ran").mkdir()
            done = call("run", cwd=copy("penguins", top / "ran"))
            kept.write_text(json.dumps([done.stdout, done.stderr]))
    return top / "ran" / "penguins", subprocess.CompletedProcess("run", 0, *json.loads(kept.read_text()))


@pytest.fixture
def ran(ran_once: tuple[Path, Done], tmp_path: Path) -> Path:
    """A copy of the penguins that have been run, its results taken as made there."""
    target = tmp_path / "penguins"
    shutil.copytree(ran_once[0], target, symlinks=True)
    api.adopt(target)
    return target


@pytest.fixture
def mlspec() -> Mlspec:
    """The command."""
    return call
