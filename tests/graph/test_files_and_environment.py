"""Digests of outside files, and what of the environment is looked at."""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from mlspec.machine import environment
from mlspec.machine.file_digests import Digests

LONG_AGO = 1_000_000_000


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_file_that_was_not_touched_is_not_read_again(tmp_path: Path) -> None:
    file, cache = written(tmp_path / "a.csv", "one"), tmp_path / "cache" / "files.json"
    digests = Digests(cache)
    assert digests.of(file) == hashlib.sha256(b"one").hexdigest()
    digests.save()
    # Same size, same time, same inode: only the cache can say that this was "one".
    file.write_text("two")
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert Digests(cache).of(file) == hashlib.sha256(b"one").hexdigest()
    os.utime(file, (LONG_AGO + 1, LONG_AGO))
    assert Digests(cache).of(file) == hashlib.sha256(b"one").hexdigest()
    os.utime(file, (LONG_AGO, LONG_AGO + 1))
    assert Digests(cache).of(file) == hashlib.sha256(b"two").hexdigest()


def test_a_file_just_written_is_not_remembered(tmp_path: Path) -> None:
    file, cache = tmp_path / "a.csv", tmp_path / "files.json"
    file.write_text("one")
    digests = Digests(cache)
    digests.of(file)
    digests.save()
    assert not cache.exists()


@pytest.mark.parametrize("damaged", [b"", b"{", b"[1]", b'{"x": [1]}', b"\xff\xfe"])
def test_a_damaged_cache_is_as_if_there_were_none(tmp_path: Path, damaged: bytes) -> None:
    file, cache = written(tmp_path / "a.csv", "one"), tmp_path / "files.json"
    cache.write_bytes(damaged)
    digests = Digests(cache)
    assert digests.of(file) == hashlib.sha256(b"one").hexdigest()
    digests.save()
    assert Digests(cache).of(file) == hashlib.sha256(b"one").hexdigest()


def test_a_cache_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    file = written(tmp_path / "a.csv", "one")
    blocked = written(tmp_path / "blocked", "a file where a folder should be")
    digests = Digests(blocked / "files.json")
    digests.of(file)
    digests.save()
    assert blocked.read_text() == "a file where a folder should be"


def test_a_folder_is_its_files_and_their_names(tmp_path: Path) -> None:
    first = written(tmp_path / "t" / "a.csv", "one")
    digests = Digests(None)
    before = digests.of(tmp_path / "t")
    written(tmp_path / "t" / ".hidden", "x")
    assert digests.of(tmp_path / "t") == before
    first.rename(tmp_path / "t" / "b.csv")
    assert digests.of(tmp_path / "t") != before


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Digests(None).of(tmp_path / "none.csv")


def test_versions_are_those_that_are_installed() -> None:
    assert environment.versions(["msgspec", "PyYAML", "no_such.Thing"]) == {
        "msgspec": version("msgspec"),
        "pyyaml": version("PyYAML"),
        "no-such-thing": "not installed",
    }


@pytest.mark.parametrize(("device", "kind"), [("cpu", "cpu"), ("cuda", "cuda"), ("cuda:3", "cuda"), ("mps", "mps")])
def test_the_kind_of_a_device_leaves_its_number_out(device: str, kind: str) -> None:
    assert environment.device_kind(device) == kind
