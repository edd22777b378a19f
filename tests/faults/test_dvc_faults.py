"""A kill at any moment while results are recorded in DVC: ``dvc status`` works, the next run ends as if undisturbed.

Some of the points are tried here; ``python tests/faults/campaign.py dvc`` tries them all.
"""

import random
import shutil
import sys
from pathlib import Path

import pytest
from tests import hardware

from mlspec import paths
from mlspec.engine.run.run import run
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing import faults
from mlspec.testing.graphs import KINDS
from mlspec.testing.small_run import copied, made

pytest.importorskip("dvc")

POINTS = 8


def command(root: Path) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "mlspec.testing.small_run", str(root), "dvc"]


@pytest.fixture(scope="module")
def unborn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which all is done, and DVC knows nothing of it."""
    from mlspec_backends import dvc

    root = tmp_path_factory.mktemp("unborn")
    dvc.init(root)
    assert run(made(root), kinds=KINDS, lock=False).status == "done"
    return root


@pytest.mark.slow
def test_killed_while_results_are_recorded(unborn: Path, tmp_path: Path) -> None:
    from dvc.repo import Repo

    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    whole = tmp_path / "whole"
    copied(unborn, whole)
    try:
        points = faults.points(command(whole), whole, tmp_path / "log")
    except RuntimeError as error:
        hardware.skip(f"strace can't trace here: {error}")
    lock = (whole / "dvc.lock").read_bytes()
    hits = 0
    for index, point in enumerate(random.Random(5).sample(points, POINTS)):
        root = tmp_path / str(index)
        copied(unborn, root)
        hits += faults.killed(command(root), point, tmp_path / "log").hit
        with Repo(str(root)) as repo:
            repo.status()
        ran = run(made(root, "dvc"), kinds=KINDS, lock=False)
        assert ran.count("cached") == len(ran.steps)
        with Repo(str(root)) as repo:
            assert repo.status() == {}
        assert (root / "dvc.lock").read_bytes() == lock
        assert upkeep.verify(Store(paths.store(paths.home(root)))) == []
    assert hits > POINTS // 2
