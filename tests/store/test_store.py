"""The store keeps what it is given, notices every change to it, and forgets what nobody needs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlspec.diagnostics import StepError, StoreError
from mlspec.store import upkeep
from mlspec.store.action import Action
from mlspec.store.errors import DamagedError
from mlspec.store.store import Store

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store").writing() as opened:
        yield opened


def put(store: Store, fingerprint: str = ONE, **contents: str | dict[str, str]) -> Action:
    """Store outputs: a text is a file, a mapping of paths to texts a folder."""
    with store.stage(contents) as paths:
        for name, content in contents.items():
            if isinstance(content, str):
                paths[name].write_text(content)
                continue
            paths[name].mkdir()
            for inner, text in content.items():
                (paths[name] / inner).parent.mkdir(parents=True, exist_ok=True)
                (paths[name] / inner).write_text(text)
        return store.commit(fingerprint, paths, identity="i", kind="k", inputs={}, record={"step": "s"})


def files(store: Store) -> list[Path]:
    kinds = ("objects", "trees", "actions")
    return sorted(path for kind in kinds for path in (store.root / kind).iterdir())


def test_what_was_stored_is_found_by_another_process(store: Store) -> None:
    action = put(store, text="hello", folder={"a/b.txt": "deep", "c.txt": "flat"})
    other = Store(store.root)
    assert other.lookup(ONE) == action
    assert other.lookup(TWO) is None
    assert other.path(action.outputs["text"]).read_text() == "hello"
    folder = other.path(action.outputs["folder"])
    assert {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.txt")} == {
        "a/b.txt": "deep",
        "c.txt": "flat",
    }
    assert upkeep.verify(other) == []


def test_equal_contents_have_equal_digests_and_are_kept_once(store: Store) -> None:
    one = put(store, ONE, text="same", folder={"a": "x", "b": "same"})
    two = put(store, TWO, text="same", folder={"b": "same", "a": "x"})
    assert one.outputs == two.outputs
    assert len(list((store.root / "objects").iterdir())) == 2


def test_a_folder_is_never_taken_for_a_file(store: Store) -> None:
    folder = put(store, ONE, folder={"a": "x"})
    manifest = (store.root / "trees" / folder.outputs["folder"]).read_text()
    file = put(store, TWO, file=manifest)
    assert file.outputs["file"] != folder.outputs["folder"]


def test_empty_folders_and_files_are_kept(store: Store) -> None:
    with store.stage(["folder"]) as paths:
        (paths["folder"] / "empty" / "inner").mkdir(parents=True)
        (paths["folder"] / "nothing").touch()
        action = store.commit(ONE, paths, identity="i", kind="k", inputs={}, record={})
    folder = store.path(action.outputs["folder"])
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["empty", "empty/inner", "nothing"]


def test_stored_files_are_read_only(store: Store) -> None:
    action = put(store, text="hello", folder={"a": "x"})
    for path in (*files(store), store.path(action.outputs["folder"]) / "a"):
        assert path.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("inside", [False, True])
def test_links_are_refused(store: Store, inside: bool) -> None:
    with store.stage(["out"]) as paths:
        link = paths["out"]
        if inside:
            paths["out"].mkdir()
            link = paths["out"] / "passwords"
        link.symlink_to("/etc/passwd")
        with pytest.raises(StepError, match="which is neither a file nor a folder"):
            store.commit(ONE, paths, identity="i", kind="k", inputs={}, record={})
    assert store.lookup(ONE) is None


def test_what_was_staged_and_not_committed_is_gone(store: Store) -> None:
    with store.stage(["file", "folder"]) as paths:
        paths["file"].write_text("x")
        paths["folder"].mkdir()
    assert not any(path.exists() for path in paths.values())


def test_every_changed_byte_is_noticed(store: Store) -> None:
    action = put(store, text="hello", folder={"a": "x", "b": "yy"})
    for path in files(store):
        content = path.read_bytes()
        entry = f"{path.parent.name}/{path.name}"
        path.chmod(0o644)
        for place in range(len(content)):
            changed = bytes([*content[:place], content[place] ^ 1 << place % 8, *content[place + 1 :]])
            path.write_bytes(changed)
            assert entry in {damage.entry for damage in upkeep.verify(store)}, (entry, place)
        for changed in (content[:-1], content + b"\n", b""):
            path.write_bytes(changed)
            assert entry in {damage.entry for damage in upkeep.verify(store)}, (entry, changed)
        path.write_bytes(content)
    assert upkeep.verify(store) == []
    assert Store(store.root).lookup(ONE) == action


def test_a_damaged_result_is_thrown_away_when_it_is_read(store: Store) -> None:
    action = put(store, text="hello", folder={"a": "x"})
    for damaged in ("text", "folder"):
        reader = Store(store.root)
        content = "hello" if damaged == "text" else "x"
        path = next(path for path in (store.root / "objects").iterdir() if path.read_text() == content)
        path.chmod(0o644)
        path.write_text("!" * len(content))
        assert reader.lookup(ONE) is not None
        with pytest.raises(DamagedError) as caught:
            reader.path(action.outputs[damaged])
        assert caught.value.digest == action.outputs[damaged]
        assert Store(store.root).lookup(ONE) is None
        store.forget()
        assert put(store, text="hello", folder={"a": "x"}) == action
        store.forget()
        assert store.path(action.outputs["text"]).read_text() == "hello"
        assert (store.path(action.outputs["folder"]) / "a").read_text() == "x"


def test_a_folder_that_someone_changed_is_laid_out_anew(store: Store) -> None:
    action = put(store, folder={"a": "x", "b": "y"})
    folder = store.path(action.outputs["folder"])
    (folder / "a").unlink()
    (folder / "a").write_text("changed")
    (folder / "more").write_text("added")
    again = Store(store.root).path(action.outputs["folder"])
    assert sorted(path.name for path in again.iterdir()) == ["a", "b"]
    assert (again / "a").read_text() == "x"


def test_a_damaged_action_is_as_none_and_can_be_stored_again(store: Store) -> None:
    action = put(store, text="hello")
    path = store.root / "actions" / ONE
    path.chmod(0o644)
    path.write_bytes(b"")
    assert store.lookup(ONE) is None
    assert put(store, text="hello") == action
    assert store.lookup(ONE) == action


def test_an_action_under_another_name_is_not_believed(store: Store) -> None:
    put(store, text="hello")
    (store.root / "actions" / TWO).write_bytes((store.root / "actions" / ONE).read_bytes())
    assert store.lookup(TWO) is None


def test_looking_something_up_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert store.lookup(ONE) is None
    assert list(store.actions()) == []
    assert upkeep.verify(store) == []
    assert upkeep.collect(store, ()) == upkeep.Collected(0, 0)
    assert not store.root.exists()


def test_a_collection_keeps_what_it_is_told_to_and_removes_the_rest(tmp_path: Path) -> None:
    with Store(tmp_path / "store").writing() as store:
        kept = put(store, ONE, text="kept", folder={"a": "shared"})
        put(store, TWO, text="gone", folder={"b": "shared", "c": "gone too"})
        store.path(kept.outputs["folder"])
    store = Store(tmp_path / "store")
    assert upkeep.collect(store, {ONE}) == upkeep.Collected(1, len("gone") + len("gone too"))
    assert [action.fingerprint for action in store.actions()] == [ONE]
    assert (store.path(kept.outputs["folder"]) / "a").read_text() == "shared"
    assert upkeep.verify(store) == []
    assert len(files(store)) == 4


def test_a_collection_does_not_take_a_running_run_s_results(store: Store) -> None:
    with pytest.raises(StoreError, match="a run or a check is using the store; try again when it has finished"):
        upkeep.collect(Store(store.root), ())


def test_what_dead_processes_left_is_swept_and_what_living_ones_use_is_not(store: Store) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mlspec.store.store import Store\n"
        "with Store(Path(sys.argv[1])).writing() as store, store.stage(['x']) as paths:\n"
        "    paths['x'].write_text('half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(store.root)], check=False)
    assert len(os.listdir(store.root / "tmp")) == 2
    with store.stage(["mine"]) as paths:
        paths["mine"].write_text("whole")
        store.sweep()
        assert paths["mine"].read_text() == "whole"
    assert len(os.listdir(store.root / "tmp")) == 1


def test_a_lock_is_free_when_its_holder_has_died(store: Store) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mlspec.store.store import Store\n"
        "with Store(Path(sys.argv[1])).writing() as store, store.lock('f'): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(store.root)], check=False)
    waited = []
    with store.lock("f", lambda: waited.append(True)):
        assert os.listdir(store.root / "locks") == ["f"]
    assert os.listdir(store.root / "locks") == []
    assert waited == []
