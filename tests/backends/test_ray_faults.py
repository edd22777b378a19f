"""What goes wrong around steps on Ray: a node that is drained or full, a shared store that goes away."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.backends.ray_cluster import MOUNT, Cluster
from tests.backends.ray_runs import go, mounting, on
from tests.backends.runs import failures

from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step
from mlspec_backends import _ray_node as node

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray")]


def test_a_node_that_is_drained_finishes_its_step_and_gets_no_other(tmp_path: Path, ray: Cluster) -> None:
    begun: set[str] = set()

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress) and event.what == "epochs":
            begun.add(event.step)
            if len(begun) == 2 and not (tmp_path / "go").exists():
                ray.drain("n2")
                (tmp_path / "go").touch()

    steps = [step(name, progress=True, wait_for="go") for name in ("a", "b")]
    try:
        ran = run(graph(tmp_path, steps, engine="ray", run_timeout=90.0), kinds=KINDS, lock=False, listener=listen)
        assert {done.record["node"] for done in ran.steps.values()} == {"n1", "n2"}
        later = go(tmp_path, *(step(f"later-{name}", seconds=1) for name in ("a", "b")))
        assert {done.record["node"] for done in later.steps.values()} == {"n1"}
        assert len((tmp_path / "ran.txt").read_text().split()) == 4
    finally:
        ray.revive_node("n2")


def test_a_node_without_room_fails_its_step_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounting()
    large = step("large", constant="x" * 100_000)
    with monkeypatch.context() as changed:
        changed.setenv(MOUNT, f"mlspec.engine.worker:size=16k:{tmp_path}/.mlspec/store/tmp")
        assert failures(go(tmp_path, large, resources=on("n2"))) == [("large", "no space is left on the disk")]
    assert go(tmp_path, large, resources=on("n2")).status == "done"


def test_a_shared_store_that_is_lost_costs_no_result(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()

    def lose() -> None:
        shutil.rmtree(tmp_path / "mounted")
        (tmp_path / "go").touch()

    ran = go(
        tmp_path,
        step("long", progress=True, wait_for="go"),
        step("next", "long"),
        store=str(tmp_path / "mounted" / "store"),
        when={"epochs": lose, "the shared store .*/mounted/store is not used: ": lambda: None},
    )
    assert (ran.status, ran.count("done")) == ("done", 2)


def test_what_a_node_reports_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hostile(_terms: bytes, task: bytes, *_: object) -> Iterator[object]:
        import json

        step = json.loads(task)["step"]
        action = {"fingerprint": "0" * 64, "identity": "i", "kind": "act", "outputs": {"text": "0" * 64}}
        finished = {"report": "finished", "step": "other", "action": action, "made": True}
        answers = {"number": 3, "deep": b"[" * 100_000, "typed": b'{"report": "failed"}', "none": b"null"}
        yield json.dumps({"report": "progress", "step": "other", "what": step, "share": 0.5}).encode()
        yield answers.get(step, json.dumps(finished).encode())

    heard: set[tuple[str, str]] = set()

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepProgress):
            heard.add((event.step, event.what))

    # On the nodes too, which are given this function in place of the right one.
    monkeypatch.setattr(node, "steps", hostile)
    found = {}
    for name in ("number", "deep", "typed", "none", "foreign"):
        made = graph(tmp_path, [step(name)], engine="ray", run_timeout=90.0)
        found |= dict(failures(run(made, kinds=KINDS, lock=False, listener=listen)))
    assert found["number"] == "its report is no text"
    assert found["foreign"] == "its report names the result of another step"
    for name in ("deep", "typed", "none"):
        assert found[name].startswith("its report can't be read: ")
    assert heard >= {(name, name) for name in found}
    assert {step for step, _what in heard} == found.keys()
