"""A store that others use too: filled, read, never relied on."""

import hashlib
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlspec import paths
from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.graph import Graph
from mlspec.store import tree
from mlspec.store.shared import Shared
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph, step

STEPS = (
    step("first", text="1"),
    step("second", "first", outputs=("text", "folder"), text="2"),
    step("third", "second:folder", "first"),
    step("last", "third", "second", kind="join", text="4"),
)
LAST = "4(2(1()),third(1(),b.txt=b|deep/a.txt=2))"


def carried_out(
    root: Path, store: str = "../shared", listener: Callable[[events.AnyEvent], None] | None = None, **more: Any
) -> Run:
    root.mkdir(exist_ok=True)
    made: Graph = graph(root, STEPS, store=store, **{"engine": "local", **more})
    return run(made, listener=listener, kinds=KINDS, lock=False)


def last(root: Path, ran: Run) -> str:
    return Store(paths.store(paths.home(root))).path(ran.steps["last"].outputs["text"]).read_text()


def done_in(root: Path) -> list[str]:
    ran = root / "ran.txt"
    return ran.read_text().split() if ran.exists() else []


def damaged(shared: Path) -> list[str]:
    found = [
        path.name
        for path in (shared / "objects").iterdir()
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name
    ]
    trees = [path.name for path in (shared / "trees").iterdir() if tree.decode(path.read_bytes(), path.name) is None]
    return found + trees


def test_a_url_serves_too(tmp_path: Path) -> None:
    store = f"memory://{tmp_path.name}/results"
    carried_out(tmp_path / "mine", store, engine="inline")
    yours = carried_out(tmp_path / "yours", store, engine="inline")
    assert done_in(tmp_path / "yours") == []
    assert last(tmp_path / "yours", yours) == LAST
    import fsspec

    (bad,) = (path for path in fsspec.filesystem("memory").find(f"/{tmp_path.name}/results/objects") if _is_one(path))
    with fsspec.filesystem("memory").open(bad, "wb") as file:
        file.write(b"0()")
    notes: list[Any] = []
    for name in ("third", "fourth"):
        assert last(tmp_path / name, carried_out(tmp_path / name, store, notes.append, engine="inline")) == LAST
    assert done_in(tmp_path / "third") == ["first"]
    assert done_in(tmp_path / "fourth") == []
    assert not [event for event in notes if isinstance(event, events.Noted)]


def _is_one(path: str) -> bool:
    return path.endswith(hashlib.sha256(b"1()").hexdigest())


def test_a_damaged_entry_is_made_again_and_repaired(tmp_path: Path) -> None:
    carried_out(tmp_path / "mine")
    shared = tmp_path / "shared"
    for kind in ("objects", "trees"):
        for path in (shared / kind).iterdir():
            path.chmod(0o644)
            path.write_bytes(b"\0" + path.read_bytes()[1:])
    yours = carried_out(tmp_path / "yours")
    assert sorted(done_in(tmp_path / "yours")) == ["first", "second", "third"]
    assert last(tmp_path / "yours", yours) == LAST
    assert damaged(shared) == []
    carried_out(tmp_path / "theirs")
    assert done_in(tmp_path / "theirs") == []


def test_a_store_that_vanishes_does_not_fail_a_run(tmp_path: Path) -> None:
    told: list[events.AnyEvent] = []

    def listen(event: events.AnyEvent) -> None:
        told.append(event)
        if isinstance(event, events.StepFinished) and event.step == "first":
            shutil.rmtree(tmp_path / "shared")

    ran = carried_out(tmp_path / "mine", listener=listen)
    assert ran.status == "done"
    assert last(tmp_path / "mine", ran) == LAST
    shared = tmp_path / "shared"
    assert [event.text for event in told if isinstance(event, events.Noted)] == [
        f"the shared store {shared} is not used: the folder '{shared}' no longer exists"
    ]
    assert not shared.exists()


@pytest.mark.parametrize("store", ["/nowhere/mounted/store", "no-such-protocol://bucket"])
def test_a_store_that_is_not_there_is_said_once(tmp_path: Path, store: str) -> None:
    told: list[events.AnyEvent] = []
    ran = carried_out(tmp_path / "mine", store, told.append)
    assert ran.status == "done"
    (note,) = [event.text for event in told if isinstance(event, events.Noted)]
    assert note.startswith(f"the shared store {store} is not used: ")


RUN = """
import sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

root = Path(sys.argv[1])
steps = [step(f"s{index}", outputs=("text", "folder")) for index in range(12)]
sys.exit(run(graph(root, steps, store="../shared", workers=2), kinds=KINDS, lock=False).status != "done")
"""


def test_runs_at_the_same_time_fill_one_store(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("a", "b", "c")]
    for root in roots[:2]:
        root.mkdir()
    command = [sys.executable, "-c", textwrap.dedent(RUN)]
    running = [subprocess.Popen([*command, str(root)]) for root in roots[:2]]
    assert [process.wait() for process in running] == [0, 0]
    assert damaged(tmp_path / "shared") == []
    assert not list((tmp_path / "shared").rglob(".*"))
    roots[2].mkdir()
    subprocess.run([*command, str(roots[2])], check=True)
    assert done_in(roots[2]) == []


@pytest.mark.parametrize("path", ["../../outside", "/etc/outside", "a/../../outside"])
def test_no_name_of_theirs_leads_out_of_the_store(tmp_path: Path, path: str) -> None:
    with Store(tmp_path / "theirs").writing() as theirs, theirs.stage(["folder"]) as staged:
        staged["folder"].mkdir()
        (staged["folder"] / "a").write_text("a")
        action = theirs.commit("1" * 64, staged, identity="i", kind="k", inputs={}, record={})
        shared = Shared(str(tmp_path / "shared"))
        digest, content = tree.encode(tree.Tree({path: hashlib.sha256(b"a").hexdigest()}))
        (theirs.root / "trees" / digest).write_bytes(content)
        from msgspec.structs import replace

        from mlspec.store import action as actions

        hostile = replace(action, outputs={"folder": digest})
        (theirs.root / "actions" / ("1" * 64)).chmod(0o644)
        (theirs.root / "actions" / ("1" * 64)).write_bytes(actions.encode(hostile))
        shared.fill(hostile, theirs)
    with Store(tmp_path / "mine").writing() as mine:
        assert (tmp_path / "shared" / "trees" / digest).exists()
        assert shared.fetch("1" * 64, mine) is None
        assert shared.trouble == ""
        assert mine.lookup("1" * 64) is None


def test_who_verifies_makes_everything_again(tmp_path: Path) -> None:
    carried_out(tmp_path / "mine")
    (tmp_path / "yours").mkdir()
    made = graph(tmp_path / "yours", STEPS, store="../shared")
    assert run(made, share=False, kinds=KINDS, lock=False).count("done") == len(STEPS)
