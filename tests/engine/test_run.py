"""What a run leaves behind, and what the next command makes of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlspec import paths
from mlspec.api import garbage
from mlspec.diagnostics import SpecError, StoreError
from mlspec.engine import planning
from mlspec.engine.run import lockfile, run_record
from mlspec.engine.run.run import run
from mlspec.engine.verify import Difference, verify
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS as REAL_KINDS
from mlspec.graph.step import Input, Step
from mlspec.machine import resources
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph, step

CHAIN = (step("a"), step("b", "a"), step("c", "b", kind="join"))


def do(made: Graph, **options: Any) -> run_record.Run:
    return run(made, kinds=KINDS, **options)


def test_a_plan_tells_what_a_run_would_do(tmp_path: Path) -> None:
    made = graph(tmp_path, CHAIN, engine="inline")
    plan = planning.plan_graph(made)
    assert [(planned.action, planned.reasons) for planned in plan.steps.values()] == [
        ("runs", ("never ran",)),
        ("runs", ("never ran", "waits for a")),
        ("runs", ("never ran", "waits for b")),
    ]
    assert not paths.home(tmp_path).exists()
    do(made)
    plan = planning.plan_graph(made)
    assert not plan.pending()
    assert all(planned.seconds is not None for planned in plan.steps.values())
    changed = planning.plan_graph(graph(tmp_path, (step("a"), step("b", "a", text="new"), *CHAIN[2:])))
    assert [(planned.action, planned.reasons) for planned in changed.steps.values()] == [
        ("cached", ()),
        ("runs", ("parameter text: b -> new",)),
        ("may run", ("waits for b",)),
    ]


def test_a_damaged_history_is_no_obstacle(tmp_path: Path) -> None:
    made = graph(tmp_path, CHAIN, engine="inline")
    do(made)
    paths.previous(paths.home(tmp_path)).write_bytes(b'{"a": 1')
    assert not planning.plan_graph(made).pending()
    assert do(made).count("cached") == 3
    assert planning.plan_graph(made).steps["a"].seconds is not None


def test_results_stay_out_of_version_control(tmp_path: Path) -> None:
    do(graph(tmp_path, CHAIN))
    assert (paths.home(tmp_path) / ".gitignore").read_text() == "*\n"


def test_the_lock_tells_results_and_changes_with_them_alone(tmp_path: Path) -> None:
    do(graph(tmp_path, CHAIN))
    path = lockfile.beside(tmp_path)
    text = path.read_text()
    locked = json.loads(text)
    assert list(locked["steps"]) == ["a", "b", "c"]
    assert len(locked["steps"]["a"]["outputs"]["text"]) == 64
    assert locked["environment"]["machine"] == machine_name()
    assert text == json.dumps(locked, indent=2, sort_keys=True) + "\n"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    do(graph(tmp_path, CHAIN), force={"a", "b", "c"})
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    do(graph(tmp_path, (*CHAIN, step("d"))), lock=False)
    assert path.read_text() == text
    do(graph(tmp_path, (*CHAIN, step("d"))))
    assert list(json.loads(path.read_text())["steps"]) == ["a", "b", "c", "d"]
    do(graph(tmp_path, (*CHAIN, step("e", error="no"))))
    assert list(json.loads(path.read_text())["steps"]) == ["a", "b", "c", "d"]


def machine_name() -> str:
    from mlspec.machine.environment import machine as name

    return name()


def test_a_lock_that_is_no_lock_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mlspec.lock").write_text("<<<<<<< ours\n")
    with pytest.raises(StoreError, match=r"mlspec.lock' is not a lock that this version can read"):
        lockfile.read(lockfile.beside(tmp_path))
    with pytest.raises(SpecError, match=r"mlspec.lock can't be read: JSON is malformed"):
        do(graph(tmp_path, CHAIN))
    assert (tmp_path / "mlspec.lock").read_text() == "<<<<<<< ours\n"


def test_verify_makes_everything_again_and_names_what_differs(tmp_path: Path) -> None:
    made = graph(tmp_path, CHAIN)
    do(made)
    ran = (tmp_path / "ran.txt").read_text()
    verified = verify(made, kinds=KINDS)
    assert (verified.answer, verified.differences) == ("identical", ())
    assert verified.run is not None
    assert verified.run.count("done") == 3
    assert (tmp_path / "ran.txt").read_text() == ran + "a\nb\n"
    path = lockfile.beside(tmp_path)
    digest = json.loads(path.read_text())["steps"]["c"]["outputs"]["text"]
    path.write_text(path.read_text().replace(digest, "0" * 64))
    verified = verify(made, kinds=KINDS)
    assert (verified.answer, verified.differences) == ("different", (Difference("text of c", "0" * 12, digest[:12]),))
    path.unlink()
    with pytest.raises(StoreError, match=r"there is no '.*mlspec\.lock' to compare with: mlspec run writes it"):
        verify(made, kinds=KINDS)


def test_a_collection_keeps_the_last_run_and_what_is_locked(tmp_path: Path) -> None:
    first = do(graph(tmp_path, [step("a")]))
    second = do(graph(tmp_path, [step("b")]), lock=False)
    last = do(graph(tmp_path, [step("c")]), lock=False)
    assert garbage.collect(tmp_path).results == 1
    store = Store(paths.store(paths.home(tmp_path)))
    kept = {action.fingerprint for action in store.actions()}
    assert kept == {first.steps["a"].fingerprint, last.steps["c"].fingerprint}
    assert second.steps["b"].fingerprint not in kept


def test_gates_and_metrics_are_read_from_the_results_and_budgets_from_the_records(tmp_path: Path) -> None:
    gate = Step(
        id="gate.budget.wall_time",
        kind="gate",
        params={"of": "budget", "what": "wall_time", "at_most": 600.0},
        inputs={"metrics": Input("b", "text")},
        outputs=("verdict",),
    )
    steps = (step("a"), step("b", "a", constant='{"rows": 3}'))
    made = graph(tmp_path, steps, engine="inline")
    do(made)
    # The work of a gate is the real one: what it is handed are the records of all steps that lead to it.
    ran = run(graph(tmp_path, (*steps, gate), engine="inline"), kinds={**KINDS, **REAL_KINDS}, lock=False)
    assert ran.failures == ()
    assert [(verdict.gate, verdict.verdict) for verdict in ran.gates] == [("gate.budget.wall_time", "pass")]
    assert ran.holds()
    spent = sum(ran.steps[name].record["seconds"] for name in ("a", "b"))
    assert ran.gates[0].value == pytest.approx(spent)
    again = run(graph(tmp_path, (*steps, gate), engine="inline"), kinds={**KINDS, **REAL_KINDS}, lock=False)
    assert (again.folder, again.gates) == (None, ran.gates)


def test_a_run_of_before_verdicts_had_a_type_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "20261130T020542727Z-da4b"
    folder.mkdir()
    gate = {"gate": "gate.size.model", "requirement": "model size at most 1.5kB", "verdict": "pass", "value": 1500}
    figures = {"low": 1500, "high": 1500, "n": None, "threshold": 1500, "reason": "1.5kB", "waived": "agreed"}
    about = {"id": folder.name, "folder": None, "status": "done", "project": "p", "spec": {}, "steps": {}}
    when = {"started": "", "finished": "", "seconds": 1.0, "engine": "local", "device": "cpu"}
    (folder / run_record.FILE).write_text(json.dumps({**about, **when, "gates": [{**gate, **figures}]}))
    (verdict,) = run_record.read(folder).gates
    assert (verdict.verdict, verdict.value, verdict.threshold, verdict.waived) == ("pass", 1500, 1500, "agreed")


def test_a_damaged_verdict_is_made_again(tmp_path: Path) -> None:
    gate = Step(
        id="gate.size.model",
        kind="gate",
        params={"of": "size", "at_most": 10},
        inputs={"size": Input("size", "text")},
        outputs=("verdict",),
    )
    made = graph(tmp_path, (step("size", constant='{"bytes": 3}'), gate), engine="inline")
    kinds = {**KINDS, **REAL_KINDS}
    do(graph(tmp_path, [step("size", constant='{"bytes": 3}')], engine="inline"))
    first = run(made, kinds=kinds, lock=False)
    store = Store(paths.store(paths.home(tmp_path)))
    path = store.path(first.steps["gate.size.model"].outputs["verdict"])
    path.chmod(0o644)
    path.write_text(path.read_text().replace("pass", "fail"))
    again = run(made, kinds=kinds, lock=False)
    assert again.gates == first.gates
    assert {name: done.action for name, done in again.steps.items()} == {"size": "cached", "gate.size.model": "done"}


def test_a_run_without_work_imports_nothing_heavy_and_starts_no_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mlspec.engine.run.run import run\n"
        "from mlspec.testing.graphs import KINDS, graph, step\n"
        "ran = run(graph(Path(sys.argv[1]), [step('a'), step('b', 'a')]), kinds=KINDS)\n"
        "heavy = {'torch', 'polars', 'numpy', 'sklearn', 'networkx', 'subprocess', 'selectors', 'ctypes'}\n"
        "print(ran.count('cached'), sorted(heavy & set(sys.modules)))"
    )
    do(graph(tmp_path, [step("a"), step("b", "a")]))
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "2 []\n"


def test_cores_are_those_that_this_process_may_use() -> None:
    import os

    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert resources.cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= resources.cores() <= len(before)


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "a/memory.max": "1000"}),
        (
            "4:memory:/a\n3:cpu,cpuacct:/a/b",
            {
                "cpu,cpuacct/a/cpu.cfs_quota_us": "300000",
                "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
                "cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000",
                "memory/a/memory.limit_in_bytes": "1000",
                "memory/a/memory.usage_in_bytes": "400",
            },
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_cores_and_memory_are_those_that_control_groups_leave(
    membership: str, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "membership").write_text(membership)
    for name, text in {**files, "a/memory.current": "400"}.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    monkeypatch.setattr(resources, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(resources, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr(resources.os, "sched_getaffinity", lambda _process: set(range(64)))
    assert resources.cores() == 3
    assert resources.memory() == 600


def test_there_is_memory() -> None:
    assert (resources.memory() or 1) > 0
