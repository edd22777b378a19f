"""A shared store that is encrypted: nothing of what is put there can be read or changed unnoticed without the key."""

import secrets
from pathlib import Path

import pytest

from mlspec.store.shared import Shared
from mlspec.store.store import Store

SECRET = b"Zaphod, zq.mail@example.org"
FINGERPRINT = "1" * 64


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_KEY", "0123456789abcdef0123")


def filled(folder: Path, place: str, content: bytes = SECRET) -> list[str]:
    """A store with one result, put into the shared store; the digests that are in it."""
    with Store(folder / "theirs").writing() as store, store.stage(["text", "folder"]) as staged:
        staged["text"].write_bytes(content)
        staged["folder"].mkdir()
        (staged["folder"] / "a.txt").write_bytes(content * 2)
        action = store.commit(FINGERPRINT, staged, identity="i", kind="k", inputs={}, record={"note": "Zaphod"})
        shared = Shared(place, "STORE_KEY")
        shared.fill(action, store)
        assert shared.trouble == ""
    return [FINGERPRINT, *action.outputs.values()]


def fetched(folder: Path, place: str, variable: str = "STORE_KEY") -> tuple[bytes | None, str]:
    """What another user's store gets of it, and what is reported."""
    shared = Shared(place, variable)
    with Store(folder / secrets.token_hex(4)).writing() as store:
        action = shared.fetch(FINGERPRINT, store)
        content = None if action is None else store.path(action.outputs["text"]).read_bytes()
    return content, shared.trouble


def files(place: Path) -> list[Path]:
    return sorted(path for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - len(SECRET), 2 << 20])
def test_what_is_put_there_comes_back_and_tells_nothing(size: int, tmp_path: Path) -> None:
    content = SECRET + secrets.token_bytes(size) if size else b""
    names = filled(tmp_path, str(tmp_path / "shared"), content)
    assert fetched(tmp_path, str(tmp_path / "shared")) == (content, "")
    assert len(files(tmp_path / "shared")) == (5 if size else 4)
    for path in files(tmp_path / "shared"):
        assert path.name not in names
        assert not any(word in path.read_bytes() for word in (b"Zaphod", b"fingerprint", *(n.encode() for n in names)))


def test_a_url_serves_too(tmp_path: Path) -> None:
    place = f"memory://{tmp_path.name}/sealed"
    filled(tmp_path, place)
    assert fetched(tmp_path, place) == (SECRET, "")


def test_another_key_and_none_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "shared"
    filled(tmp_path, str(place))
    before = {path: path.read_bytes() for path in files(place)}
    monkeypatch.setenv("OTHER_KEY", "another key, as long")
    told = f"the shared store {place} is not used: "
    wrong = f"{told}the key in $OTHER_KEY is not the key that it is encrypted with"
    assert fetched(tmp_path, str(place), "OTHER_KEY") == (None, wrong)
    none = f"{told}it is encrypted, but the spec names no key (storage.encrypt)"
    assert fetched(tmp_path, str(place), "") == (None, none)
    lacking = f"{told}its key is read from $NO_KEY, which is not set"
    assert fetched(tmp_path, str(place), "NO_KEY") == (None, lacking)
    assert {path: path.read_bytes() for path in files(place)} == before


@pytest.mark.parametrize("damage", ["flipped", "cut", "swapped", "longer", "older salt"])
def test_what_was_tampered_with_counts_as_missing_and_is_repaired(damage: str, tmp_path: Path) -> None:
    place, content = tmp_path / "shared", SECRET + bytes(2 << 20)
    filled(tmp_path, str(place), content)
    objects = files(place / "objects")
    data = {path: path.read_bytes() for path in objects}
    for path, other in zip(objects, objects[::-1], strict=True):
        found = data[path]
        made = {
            "flipped": found[:-1] + bytes([found[-1] ^ 1]),
            "cut": found[: len(found) - (len(found) - 48) % ((1 << 20) + 16)],
            "swapped": data[other],
            "longer": found + bytes(16),
            "older salt": found[:16] + bytes(32) + found[48:],
        }[damage]
        assert made != found
        path.write_bytes(made)
    shared = Shared(str(place), "STORE_KEY")
    with Store(tmp_path / "theirs").writing() as theirs, Store(tmp_path / "mine").writing() as mine:
        assert shared.fetch(FINGERPRINT, mine) is None
        assert shared.trouble == ""
        action = theirs.lookup(FINGERPRINT)
        assert action is not None
        shared.fill(action, theirs)
    assert fetched(tmp_path, str(place))[1] == ""
