"""A store that others use too, content by content: what is there is left alone, what is damaged is put there again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlspec.store.action import Action
from mlspec.store.sealed import Sealed
from mlspec.store.shared import Shared, located
from mlspec.store.store import Store

KEY = "1" * 64
OLD_NAME = "b4e8a07cae743d8c1c70ea4762b6eb81fb366c840bee078a41bd37c003503859"
OLD = (
    "6d6c73706563207365616c656420310a6656a6a62bf580747851e3aca60b8dff4b5c82b9ca5183cd4600ff8480a8fab89a11"
    "d302fccd1d9c0245c4e6f945c89f7461ffca0faeabba"
)
CONTENT = b"hello" * 300_000  # more than a piece of what is encrypted at once


@pytest.fixture(params=["plain", "encrypted"])
def variable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("STORE_KEY", "0123456789abcdef0123")
    return "STORE_KEY" if request.param == "encrypted" else ""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store").writing() as opened:
        yield opened


@pytest.fixture
def action(store: Store) -> Action:
    with store.stage(["text", "folder"]) as paths:
        paths["text"].write_bytes(CONTENT)
        paths["folder"].mkdir()
        (paths["folder"] / "a").write_text("x")
        return store.commit(KEY, paths, identity="i", kind="k", inputs={}, record={})


def entries(place: Path) -> dict[str, int]:
    """The files there, with what tells one that was put there again."""
    return {path.relative_to(place).as_posix(): path.stat().st_ino for path in place.rglob("*") if path.is_file()}


def got(place: str, variable: str, folder: Path) -> tuple[bytes | None, str]:
    shared = Shared(place, variable)
    with Store(folder).writing() as mine:
        found = shared.fetch(KEY, mine)
        return (None if found is None else mine.path(found.outputs["text"]).read_bytes()), shared.trouble


def test_contents_come_alone_and_only_whole(store: Store, action: Action, variable: str, tmp_path: Path) -> None:
    shared = Shared(str(tmp_path / "shared"), variable)
    assert all(shared.put(digest, store) for digest in action.outputs.values())
    with Store(tmp_path / "mine").writing() as mine:
        assert all(shared.bring(digest, mine) for digest in action.outputs.values())
        assert mine.path(action.outputs["text"]).read_bytes() == CONTENT
        assert (mine.path(action.outputs["folder"]) / "a").read_text() == "x"
        assert mine.lookup(KEY) is None
        assert not shared.bring("0" * 64, mine)
    for path in (tmp_path / "shared" / "objects").iterdir():
        path.write_bytes(b"other")
    with Store(tmp_path / "others").writing() as others:
        assert not any(Shared(str(tmp_path / "shared"), variable).bring(one, others) for one in action.outputs.values())


def test_what_is_there_is_not_put_there_again(store: Store, action: Action, variable: str, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    Shared(str(place), variable).fill(action, store)
    before = entries(place)
    assert len(before) == 4 + bool(variable)
    assert (place / "encryption").exists() == bool(variable)
    Shared(str(place), variable).fill(action, store)
    after = entries(place)
    assert after.keys() == before.keys()
    assert {name for name in before if name.startswith("objects") and before[name] != after[name]} == set()
    assert got(str(place), variable, tmp_path / "mine") == (CONTENT, "")
    assert not [name for name in after if name.rpartition("/")[2].startswith(".")]


@pytest.mark.parametrize("kind", ["objects", "trees", "actions"])
def test_what_is_damaged_counts_as_missing_and_is_put_there_again(
    store: Store, action: Action, variable: str, kind: str, tmp_path: Path
) -> None:
    place = tmp_path / "shared"
    shared = Shared(str(place), variable)
    shared.fill(action, store)
    for path in (place / kind).iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with Store(tmp_path / "mine").writing() as mine:
        assert shared.fetch(KEY, mine) is None
        assert mine.lookup(KEY) is None
        assert (shared.trouble, list((mine.root / "tmp").glob("*/*"))) == ("", [])
    for _time in range(2):  # of two damaged objects the second is noticed when the first is whole again
        shared.fill(action, store)
        with Store(tmp_path / "mine").writing() as mine:
            shared.fetch(KEY, mine)
    assert got(str(place), variable, tmp_path / "other") == (CONTENT, "")


def test_a_folder_that_vanished_is_reported(store: Store, action: Action, variable: str, tmp_path: Path) -> None:
    for what in ("fetch", "fill"):
        place = tmp_path / what
        shared = Shared(str(place), variable)
        shared.fill(action, store)
        shutil.rmtree(place)
        with Store(tmp_path / "mine").writing() as mine:
            assert (shared.fetch(KEY, mine) if what == "fetch" else shared.fill(action, store)) is None
        assert shared.trouble == f"the shared store {place} is not used: the folder '{place}' no longer exists"
        assert not place.exists()


def test_what_was_encrypted_before_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The format stays: a file as it was written by the first version, under the same name."""
    monkeypatch.setenv("STORE_KEY", "0123456789abcdef0123")
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / OLD_NAME).write_bytes(bytes.fromhex(OLD))

    class Files:
        def read(self, name: str) -> bytes | None:
            path = tmp_path / name
            return path.read_bytes() if path.exists() else None

        def put(self, path: Path, name: str, *, overwrite: bool = False) -> None: ...

        def get(self, name: str, path: Path) -> bool:
            return False

        def size(self, name: str) -> int | None:
            return None

    assert Sealed(Files(), "STORE_KEY").read("actions/x") == b"a result"


def test_where_a_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert located("s3://bucket/x", tmp_path) == "s3://bucket/x"
    assert located("../x", tmp_path / "spec") == str(tmp_path / "x")
    assert located("~/x", tmp_path) == "/home/me/x"
    assert located("/mnt/x", tmp_path) == "/mnt/x"
