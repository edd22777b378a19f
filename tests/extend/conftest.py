"""A copy of our tree with one new file of each kind in it, written as CONTRIBUTING says: those of ``new/``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEW = Path(__file__).with_name("new")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy."""
    folder = tmp_path_factory.mktemp("tree")
    for part in ("src", "backends"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in NEW.rglob("*.py"):
        target = folder / file.relative_to(NEW)
        assert not target.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder


@pytest.fixture(scope="session")
def python(tree: Path) -> Command:
    """A Python that imports mlspec from the copy, run in a folder."""
    paths = os.pathsep.join(str(tree / part) for part in ("src", "backends"))
    environment = {**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"}

    def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)

    return run


@pytest.fixture(scope="session")
def mlspec(python: Command) -> Command:
    """The command ``mlspec`` of the copy, run in a folder."""
    program = "import sys; from mlspec.cli import main; sys.exit(main())"
    return lambda folder, *arguments: python(folder, "-c", program, *arguments)
