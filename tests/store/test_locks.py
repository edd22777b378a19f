"""Locks of the kernel: who waits, who is refused, and that no handle stays open."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlspec.diagnostics import StoreError
from mlspec.store import locks

HOLD = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(handle, fcntl.LOCK_EX)
print("mine", flush=True)
sys.stdin.read()
open(sys.argv[1] + ".done", "w").close()
"""


@contextmanager
def held(path: Path) -> Iterator[Callable[[], None]]:
    """Another process holds the lock until the function is called; before it lets go, it leaves ``PATH.done``."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "mine\n"
        yield process.stdin.close


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    before = len(os.listdir("/dev/fd"))
    yield tmp_path / "lock"
    assert len(os.listdir("/dev/fd")) == before, "a handle stayed open"


def test_an_exclusive_lock_waits_for_its_holder_and_leaves_nothing(path: Path) -> None:
    asked = []
    with held(path) as release:

        def waiting() -> None:
            asked.append(path.exists())
            release()

        with locks.exclusive(path, waiting):
            assert (path.parent / "lock.done").exists(), "the holder still has it"
            with pytest.raises(StoreError, match="busy"), locks.alone(path, "busy"):
                pass
        assert asked == [True]
        assert not path.exists()


def test_who_gives_up_waiting_holds_nothing(path: Path) -> None:
    def waiting() -> None:
        raise KeyboardInterrupt

    with held(path) as release:
        with pytest.raises(KeyboardInterrupt), locks.exclusive(path, waiting):
            pytest.fail("the lock was held")
        release()


def test_a_lock_whose_file_was_replaced_is_taken_under_its_name(path: Path) -> None:
    """The one before removes the file and ends: the lock is then one on a new file."""

    def waiting() -> None:
        path.rename(path.with_name("old"))
        release()

    with held(path) as release, locks.exclusive(path, waiting), pytest.raises(StoreError), locks.alone(path, "busy"):
        pass


def test_a_lock_that_somebody_removed_is_no_error_at_the_end(path: Path) -> None:
    with locks.exclusive(path):
        path.unlink()


@pytest.mark.parametrize("together", [locks.shared, locks.reading])
def test_readers_hold_a_lock_together_and_keep_a_writer_out(together: Callable[[Path], object], path: Path) -> None:
    with locks.shared(path), together(path):  # type: ignore[attr-defined]
        pass
    with (
        together(path),  # type: ignore[attr-defined]
        pytest.raises(StoreError, match="in use"),
        locks.alone(path, "in use"),
    ):
        pass
    with locks.alone(path, "in use"):
        pass
    assert path.exists()


def test_without_a_folder_there_is_nothing_to_wait_for(path: Path) -> None:
    with locks.reading(path / "none" / "lock"):
        pass


def test_a_sweep_removes_the_files_of_locks_that_are_not_held(path: Path) -> None:
    path.mkdir()
    for number in range(20):
        (path / f"{number}").touch()
        (path / f"folder{number}").mkdir()
    with locks.exclusive(path / "mine"):
        locks.sweep(path)
        assert sorted(name for name in os.listdir(path) if "folder" not in name) == ["mine"]


def test_a_folder_is_locked_once_and_only_if_it_is_one(path: Path) -> None:
    path.mkdir()
    handle = locks.hold_folder(path)
    assert handle is not None
    assert locks.hold_folder(path) is None
    os.close(handle)
    again = locks.hold_folder(path)
    assert again is not None
    os.close(again)
    (path / "file").touch()
    assert locks.hold_folder(path / "file") is None
    assert locks.hold_folder(path / "none") is None
