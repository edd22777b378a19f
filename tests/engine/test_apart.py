"""The folders of processes on machines that share none with the driver."""

import os
import tempfile
from pathlib import Path

import pytest

from mlspec.engine import apart


def test_what_a_killed_process_has_left_goes_and_what_is_in_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed, its_lock = apart._own_folder()
    living, its_own = apart._own_folder()
    (killed / "deep").mkdir()
    (killed / "deep" / "table").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / apart.LOCK).touch()
    (tmp_path / f"{apart.FOLDER}link").symlink_to(elsewhere)
    (tmp_path / f"{apart.FOLDER}begun").mkdir()  # by a process that has not locked it yet
    os.close(its_lock)  # as the kernel does
    newest, lock = apart._own_folder()
    assert {path.name for path in tmp_path.iterdir()} == {
        *(path.name for path in (living, newest, elsewhere)),
        f"{apart.FOLDER}link",
        f"{apart.FOLDER}begun",
    }
    assert (elsewhere / apart.LOCK).exists()
    for handle in (its_own, lock):
        os.close(handle)
