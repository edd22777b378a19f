"""The store keeps what it is given, notices every change to it, and forgets what nobody needs."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from mlspec.diagnostics import StepError, StoreError
from mlspec.store import action as actions
from mlspec.store import files as store_files
from mlspec.store import locks, tree, upkeep
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


def test_a_folder_that_someone_changed_is_laid_out_again(store: Store) -> None:
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


def test_a_collection_keeps_what_it_should_and_removes_the_rest(tmp_path: Path) -> None:
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
    for number in range(20):
        (store.root / "tmp" / f"{number}-dead").mkdir()
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


def test_a_result_has_reached_the_disk_before_it_can_be_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut leaves the whole result or none: all content and its names are synced before the action is named."""
    done: list[tuple[str, int]] = []
    sync, rename = os.fsync, os.rename

    def synced(handle: int) -> None:
        done.append(("sync", os.fstat(handle).st_ino))
        sync(handle)

    def renamed(old: str | Path, new: str | Path) -> None:
        rename(old, new)
        done.append(("name", os.stat(new).st_ino))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    action = put(store, text="hello", folder={"a": "x"})
    inode = {path.name: path.stat().st_ino for path in (store.root, *store.root.glob("*"), *files(store))}
    contents = {inode[path.name] for path in files(store)}
    assert {number for what, number in done if what == "name"} == contents
    for number in contents:
        assert done.index(("sync", number)) < done.index(("name", number))
    found = done.index(("name", inode[action.fingerprint]))
    for kind in ("objects", "trees"):
        last = max(done.index(("name", path.stat().st_ino)) for path in (store.root / kind).iterdir())
        assert last < done.index(("sync", inode[kind])) < found
    assert found < done.index(("sync", inode["actions"]))
    done.clear()
    with store.stage(["quick"]) as paths:
        paths["quick"].write_text("made again in no time")
        store.commit(TWO, paths, identity="i", kind="k", inputs={}, record={}, sync=False)
    assert [what for what, _ in done] == ["name", "name"]
    assert store.keep(_written(store.root.parent / "kept")) in os.listdir(store.root / "objects")


def _written(path: Path) -> Path:
    path.write_text("kept")
    return path


@pytest.mark.parametrize(
    "how", ["a file more", "a file less", "an empty folder less", "an empty folder more", "a link"]
)
def test_a_laid_out_folder_holds_what_was_stored_and_nothing_else(store: Store, how: str) -> None:
    with store.stage(["folder"]) as paths:
        (paths["folder"] / "empty").mkdir(parents=True)
        (paths["folder"] / "a").write_text("x")
        digest = store.commit(ONE, paths, identity="i", kind="k", inputs={}, record={}).outputs["folder"]
    folder = store.path(digest)
    {
        "a file more": lambda: (folder / "more").write_text("y"),
        "a file less": lambda: (folder / "a").unlink(),
        "an empty folder less": lambda: (folder / "empty").rmdir(),
        "an empty folder more": lambda: (folder / "hollow").mkdir(),
        "a link": lambda: (folder / "link").symlink_to("a"),
    }[how]()
    (problem,) = upkeep.verify(store)
    expected = "can't be read" if how == "a link" else "was replaced by another folder"
    assert problem == upkeep.Damage(f"folders/{digest}", expected)
    again = Store(store.root).path(digest)
    assert sorted((path.name, path.is_dir()) for path in again.rglob("*")) == [("a", False), ("empty", True)]
    assert upkeep.verify(store) == []


def test_what_is_missing_is_reported_by_what_lacks_it(store: Store) -> None:
    action = put(store, text="hello", folder={"a": "x"})
    text, folder = action.outputs["text"], action.outputs["folder"]
    inner = next(path for path in (store.root / "objects").iterdir() if path.read_text() == "x")
    store.path(folder)
    inner.unlink()
    assert upkeep.verify(store) == [upkeep.Damage(f"trees/{folder}", "lacks the content of 'a'")]
    (store.root / "trees" / folder).unlink()
    (store.root / "objects" / text).unlink()
    assert upkeep.verify(store) == [
        upkeep.Damage(f"actions/{ONE}", "lacks its output 'folder'"),
        upkeep.Damage(f"folders/{folder}", "belongs to nothing"),
    ]
    with pytest.raises(DamagedError, match=f"^stored result {text[:12]} is missing$"):
        Store(store.root).path(text)
    assert store.size(text) == 0


def test_a_result_of_another_store_is_not_used_until_it_is_adopted(store: Store, tmp_path: Path) -> None:
    action = put(store, text="hello", folder={"a": "x"})
    copied = tmp_path / "copied"
    subprocess.run(["cp", "-r", str(store.root), str(copied)], check=True)
    (copied / "key").unlink()
    with Store(copied).writing() as other:
        assert other.lookup(ONE) is None
        assert other.is_elsewhere(ONE)
        assert not other.is_elsewhere(TWO)
        assert upkeep.verify(other) == [upkeep.Damage(f"actions/{ONE}", "was computed elsewhere")]
        assert list(other.actions()) == []
        assert other.adopt_elsewhere() == [action]
        assert other.lookup(ONE) == action
        assert not other.is_elsewhere(ONE)
        assert other.adopt_elsewhere() == []
    (copied / "key").unlink()
    with Store(copied).writing() as other:
        path = copied / "objects" / action.outputs["text"]
        path.chmod(0o644)
        path.write_text("HELLO")
        assert other.adopt_elsewhere() == []
        assert other.lookup(ONE) is None


def test_a_collection_says_what_it_freed_and_takes_leftovers_along(tmp_path: Path) -> None:
    with Store(tmp_path / "store").writing() as store:
        put(store, ONE, text="kept")
        put(store, TWO, text="gone!", folder={"b": "shared"})
    also = tmp_path / "also"
    also.mkdir()
    for leftover in (also / "old", store.root / "locks" / "f", store.root / "tmp" / "half"):
        leftover.write_text("left over")
    (store.root / "actions" / ONE).chmod(0o644)
    assert upkeep.size(store) == len("kept" + "gone!" + "shared")
    inspected = upkeep.inspect(store)
    assert (inspected.results, inspected.bytes) == (2, len("kept" + "gone!" + "shared"))
    assert upkeep.collect(store, {ONE}, [also]) == upkeep.Collected(1, len("gone!" + "shared"))
    assert [list(folder.iterdir()) for folder in (also, store.root / "locks", store.root / "tmp")] == [[], [], []]
    (store.root / "actions" / ONE).write_bytes(b"damaged")
    assert upkeep.collect(Store(store.root), {ONE}) == upkeep.Collected(1, len("kept"))


def test_a_step_gives_regular_names_alone(store: Store) -> None:
    for name, told in (
        ("a\\b", "a step wrote a file whose name is a path on other systems: 'a\\\\b'"),
        ("b\udcff", "a step wrote a file whose name is not text: 'b\\udcff'"),
    ):
        with store.stage(["out"]) as paths:
            paths["out"].mkdir()
            (paths["out"] / name).touch()
            with pytest.raises(StepError) as caught:
                store.commit(ONE, paths, identity="i", kind="k", inputs={}, record={})
            assert str(caught.value) == told
    with store.stage(["out"]) as paths:
        (paths["out"] / "deep").mkdir(parents=True)
        os.mkfifo(paths["out"] / "deep" / "pipe")
        with pytest.raises(StepError, match=r"^a step wrote 'deep/pipe', which is neither a file nor a folder$"):
            store.commit(ONE, paths, identity="i", kind="k", inputs={}, record={})


def test_only_who_writes_may_store(store: Store) -> None:
    with pytest.raises(ValueError, match="the store is not open for writing"), Store(store.root).stage(["x"]):
        pass


def test_one_at_a_time_makes_a_result(store: Store) -> None:
    """The second one says that it waits, and continues when the first has ended."""
    code = (
        "import sys; from pathlib import Path; from mlspec.store.store import Store\n"
        "with Store(Path(sys.argv[1])).writing() as store, store.lock('f'):\n"
        "    print('mine', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "mine\n"
        store.sweep()
        assert os.listdir(store.root / "locks") == ["f"]
        with store.lock("f", first.stdin.close):
            assert first.wait(30) == 0
            assert os.listdir(store.root / "locks") == ["f"]
    (store.root / "locks" / "left").touch()
    store.sweep()
    assert os.listdir(store.root / "locks") == []


def test_an_action_is_read_only_as_it_was_stored() -> None:
    action = Action(fingerprint=ONE, identity="i", kind="k", outputs={"a": TWO})
    stored = actions.encode(action)
    assert actions.decode(stored, ONE) == action
    body = b'{"fingerprint":"x"}'
    signed = b"%s\n%s\n" % (hashlib.sha256(body).hexdigest().encode(), body)
    for damaged, told in (
        (stored[:-1], "is damaged"),
        (stored[:-1] + b" ", "is damaged"),
        (stored.replace(b'"k"', b'"j"'), "is damaged"),
        (b"0" * 64 + stored[64:], "is damaged"),
        (signed, "can't be read: "),
        (actions.encode(structs.replace(action, fingerprint=TWO)), f"is that of {TWO[:12]}"),
    ):
        with pytest.raises(StoreError, match=f"^stored action {ONE[:12]} {told}"):
            actions.decode(damaged, ONE)


def test_a_folder_is_copied_whole_and_what_is_no_file_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep" / "deeper").mkdir(parents=True)
    (source / "hollow" / "more").mkdir(parents=True)
    (source / "deep" / "deeper" / "a").write_text("x")
    for _time in range(2):  # over itself as well
        store_files.copy(source, tmp_path / "target", ["told/empty", "hollow/more"])
        found = sorted(path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*"))
        assert found == ["deep", "deep/deeper", "deep/deeper/a", "hollow", "hollow/more", "told", "told/empty"]
    (tmp_path / "nothing in it").mkdir()
    store_files.copy(tmp_path / "nothing in it", tmp_path / "as little")
    assert list((tmp_path / "as little").iterdir()) == []
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        store_files.copy(tmp_path / "pipe", tmp_path / "copied")
    store_files.write(tmp_path / "own", b"x", 0o640)
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o640
    with pytest.raises(FileExistsError):
        store_files.write(tmp_path / "own", b"y")
    for path in (tmp_path / "own", tmp_path / "target", tmp_path / "nothing"):
        store_files.remove(path)
        assert not path.exists()


def test_a_store_nobody_may_write_to_is_read_all_the_same(store: Store) -> None:
    """Its lock is taken where there is one, and a collection waits; where there is none, nothing is made."""
    lock = store.root / "lock"
    with locks.reading(lock), pytest.raises(StoreError, match=r"^busy$"), locks.alone(lock, "busy"):
        pass
    with locks.reading(store.root / "no-folder" / "lock"):
        assert not (store.root / "no-folder").exists()
    limits = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    (store.root / "lock").chmod(0o444)
    code = (
        "import fcntl, os, sys; from pathlib import Path; from mlspec.store import locks\n"
        "with locks.reading(Path(sys.argv[1])):\n"
        "    try: fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError: print('held')"
    )
    done = subprocess.run(
        [*limits, sys.executable, "-c", code, str(store.root / "lock")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("held\n", "")


def test_nothing_stays_open_and_nothing_is_left(tmp_path: Path) -> None:
    def handles() -> int:
        return len(os.listdir("/proc/self/fd"))

    root = tmp_path / "store"
    with Store(root).writing():
        pass
    before = handles()
    with Store(root).writing() as store:
        action = put(store, text="hello", folder={"a": "x"})
        with store.lock(ONE):
            pass
        (root / "locks" / "left").touch()
        store.sweep()
        with pytest.raises(StoreError):
            upkeep.collect(store, ())
        store.path(action.outputs["folder"])
        assert upkeep.verify(store) == []
    assert handles() == before
    assert os.listdir(root / "tmp") == os.listdir(root / "locks") == []
    for name in ("folders", "tmp"):
        shutil.rmtree(root / name)
    assert (Store(root).path(action.outputs["folder"]) / "a").read_text() == "x"
    shutil.rmtree(root / "tmp")
    assert upkeep.collect(Store(root), ()) == upkeep.Collected(1, len("hello" + "x"))
    assert handles() == before


def test_a_lock_is_made_where_there_is_none_and_others_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for take in (locks.exclusive, locks.shared, locks.reading, lambda path: locks.alone(path, "busy")):
            path = tmp_path / "lock"
            with take(path):
                assert path.stat().st_mode & 0o777 == 0o644
            path.unlink(missing_ok=True)
    finally:
        os.umask(before)


def test_a_result_of_elsewhere_is_taken_content_by_content(store: Store, tmp_path: Path) -> None:
    action = put(store, text="hello", folder={"a": "x"})
    text, folder = action.outputs["text"], action.outputs["folder"]
    inner = next(path.name for path in (store.root / "objects").iterdir() if path.read_text() == "x")
    kinds = {text: "objects", inner: "objects", folder: "trees"}
    for damaged in (None, *kinds):
        with Store(tmp_path / f"other-{damaged}").writing() as other, other.stage(kinds) as paths:
            for digest, kind in kinds.items():
                content = (store.root / kind / digest).read_bytes()
                paths[digest].write_bytes(content + (b"!" if digest == damaged else b""))
            given = {digest: (kind, paths[digest]) for digest, kind in kinds.items()}
            if damaged is None:
                other.adopt(action, given)
                assert other.lookup(ONE) == action
                assert (other.path(folder) / "a").read_text() == "x"
                assert all(path.stat().st_mode & 0o777 == 0o444 for path in files(other))
                continue
            with pytest.raises(DamagedError, match=f"^stored result {damaged[:12]} is damaged$"):
                other.adopt(action, given)
            assert other.lookup(ONE) is None
            assert list(other.actions()) == []


def test_a_damaged_tree_is_thrown_away(store: Store) -> None:
    digest = put(store, folder={"a": "x"}).outputs["folder"]
    path = store.root / "trees" / digest
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\n")
    reader = Store(store.root)
    with pytest.raises(DamagedError, match=f"^stored result {digest[:12]} is damaged$"):
        reader.path(digest)
    assert not path.exists()
    assert reader.lookup(ONE) is None


def test_a_folder_with_a_file_that_is_damaged_is_thrown_away_as_a_whole(store: Store) -> None:
    digest = put(store, folder={"a": "x"}).outputs["folder"]
    (inner,) = (store.root / "objects").iterdir()
    inner.chmod(0o644)
    inner.write_text("!")
    with pytest.raises(DamagedError, match=f"^stored result {digest[:12]} has a damaged file$"):
        Store(store.root).path(digest)
    assert not (store.root / "trees" / digest).exists()
    assert not inner.exists()


def test_a_copy_in_place_of_a_link_is_left_alone(store: Store) -> None:
    digest = put(store, folder={"a": "x"}).outputs["folder"]
    folder = store.path(digest)
    (folder / "a").unlink()
    (folder / "a").write_text("x")
    before = (folder / "a").stat().st_ino
    assert (Store(store.root).path(digest) / "a").stat().st_ino == before


@pytest.mark.parametrize(
    ("found", "is_one"),
    [
        (tree.Tree({"a/b": ONE}, ("c",)), True),
        (tree.Tree({"../b": ONE}), False),
        (tree.Tree({"/b": ONE}), False),
        (tree.Tree({"a": ONE[1:]}), False),
        (tree.Tree({"a": ONE + "1"}), False),
        (tree.Tree({"a": ONE, "b": "../../key"}), False),
        (tree.Tree({"a": ONE}, ("../c",)), False),
    ],
    ids=repr,
)
def test_a_tree_names_what_is_inside_and_digests_alone(found: tree.Tree, is_one: bool) -> None:
    digest, content = tree.encode(found)
    assert tree.decode(content, digest) == (found if is_one else None)
    assert tree.decode(content + b" ", digest) is None


def test_a_power_cut_in_a_collection_leaves_no_hole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That an action is gone has reached the disk before what it names goes."""
    with Store(tmp_path / "store").writing() as store:
        put(store, text="hello")
    sync, seen = os.fsync, []

    def synced(handle: int) -> None:
        sync(handle)
        if os.fstat(handle).st_ino == (store.root / "actions").stat().st_ino:
            seen.append([len(os.listdir(store.root / kind)) for kind in ("actions", "objects")])

    monkeypatch.setattr(os, "fsync", synced)
    upkeep.collect(Store(store.root), ())
    assert seen == [[0, 1]]
    assert os.listdir(store.root / "objects") == []
