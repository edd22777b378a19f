"""Nodes of a Ray cluster that see nothing of this machine's folders but a shared store."""

import json
import os
import signal
from pathlib import Path

import pytest
from tests.backends.ray_cluster import MOUNT, Cluster
from tests.backends.ray_runs import go, mounting, on
from tests.backends.runs import LONGEST, failures
from tests.backends.slurm_cluster import wait

from mlspec.cli import main
from mlspec.engine import apart, events
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

PENGUINS = Path(__file__).parents[2] / "specs" / "penguins"
AWAY = "backends:\n  away: {engine: ray, shared_folder: false, store: ../store}\n"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray")]


@pytest.fixture(name="root")
def hidden_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that what runs on nodes does not see."""
    mounting()
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv(MOUNT, f"mlspec.engine.apart:size=1m:{root}")
    return root


def left(ray: Cluster) -> list[Path]:
    """The folders of sessions on the nodes."""
    return list(ray.temporary.glob(f"{apart.FOLDER}*"))


def test_the_doctor_asks_whether_nodes_reach_the_store(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    Path("project.yaml").write_text(PENGUINS.joinpath("project.yaml").read_text() + AWAY)
    main(["doctor", "--backend", "away", "--format", "json"])
    seen = ("ok", "reaches the shared store, has the same versions")
    found = [(entry["what"], entry["state"], entry["text"]) for entry in json.loads(capsys.readouterr().out)]
    assert {("node n1", *seen), ("node n2", *seen)} <= set(found)


def test_steps_fail_alone_and_what_they_print_is_here(root: Path, ray: Cluster) -> None:
    ran = go(
        root,
        step("first", print="from afar"),
        step("wrong", "first", error="it is wrong"),
        step("dead", "first", kill=True),
        step("folder", "first", outputs=("text", "folder")),
        step("after", "folder", "folder:folder"),
        shared_folder=False,
        store=str(root.parent / "store"),
    )
    assert sorted(failures(ran)) == [
        ("dead", "its process was killed by SIGKILL, as the system does when memory runs out"),
        ("wrong", "ValueError: it is wrong"),
    ]
    assert ran.count("done") == 3
    assert not (root / "ran.txt").exists()
    logs = {path.name: path.read_text() for path in (root / ".mlspec").rglob("*.log")}
    assert "from afar" in logs["first.log"]
    assert "ValueError: it is wrong" in logs["wrong.log"]
    ran = go(
        root,
        step("large", hold=600_000_000, wait_for="never"),
        shared_folder=False,
        store="../store",
        memory=500_000_000,
    )
    ((name, cause),) = failures(ran)
    assert (name, cause.endswith(" MB of memory, but backend.memory allows 500 MB")) == ("large", True)
    ran = go(root, step("long", wait_for="never"), shared_folder=False, store="../store", step_timeout=3.0)
    assert failures(ran) == [("long", "it took longer than backend.step_timeout allows (3 s)")]
    wait(lambda: ray.processes("mlspec.engine.worker") == [], "no process of a step is left")
    # The next session removes what killed ones have left; without a step it waits for the next run of this process.
    assert go(root, step("next"), shared_folder=False, store="../store").status == "done"
    wait(lambda: len(left(ray)) == len(ray.processes("mlspec.engine.apart")), "no folder is left")


def test_a_node_that_does_not_reach_the_store_says_so(root: Path) -> None:
    (root / "inside").mkdir()
    store = root / "inside" / "store"
    ran = go(root, step("a"), shared_folder=False, store=str(store), resources=on("n2"))
    cause = f"the node n2 can't be used: the shared store {store} is not used: there is no folder '{store.parent}'"
    assert failures(ran) == [("a", cause)]


def test_a_step_whose_node_is_lost_begins_again(root: Path, ray: Cluster) -> None:
    go_on = root.parent / "go"
    there: list[int] = []
    begun: set[str] = set()
    said: list[str] = []

    def listen(event: events.AnyEvent) -> None:
        if not isinstance(event, events.StepProgress):
            return
        if event.what != "epochs":
            said.append(event.what)
            go_on.touch()
        elif event.step not in begun:
            begun.add(event.step)
            if len(begun) == 2:
                there.extend(ray.processes("mlspec.engine", "n2"))
                os.kill(ray.daemon("n2"), signal.SIGKILL)

    # Nodes see this file, which is beside the folder.
    steps = [*(step(name, progress=True, wait_for=str(go_on)) for name in ("a", "b")), step("next", "a", "b")]
    away = {"shared_folder": False, "store": "../store", "run_timeout": LONGEST}
    try:
        ran = run(graph(root, steps, engine="ray", **away), kinds=KINDS, lock=False, listener=listen)
        # What was lost may end all the same, and its result be found in the store.
        assert (ran.status, ran.count("done") + ran.count("cached")) == ("done", 3)
        assert said == ["the node n2 was lost; the step is handed out again"]
        assert there
        wait(lambda: not set(there) & set(ray.processes("mlspec.engine")), "what ran there has ended")
    finally:
        ray.revive_node("n2")
