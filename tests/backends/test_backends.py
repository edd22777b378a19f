"""The guarantees of every backend, for all engines; and what only worker processes can do."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.backends import test_ray, test_slurm

from mlspec import paths as stores
from mlspec import registry
from mlspec.diagnostics import MlspecError
from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.show.dvc import stage_name
from mlspec.graph.step import Resources, Step
from mlspec.machine import accelerators
from mlspec.store.store import Store
from mlspec.testing.backends import BackendSuite, made
from mlspec.testing.graphs import KINDS, graph, step


class TestLocal(BackendSuite):
    engine = "local"


class TestInline(BackendSuite):
    engine = "inline"


class TestDvc(BackendSuite):
    engine = "dvc"

    def prepared(self, root: Path) -> Path:
        from mlspec_backends import dvc

        dvc.init(made(root))
        return root

    def run(self, root: Path, *steps: Step) -> Run:
        from dvc.repo import Repo

        ran = super().run(root, *steps)
        # Of all that was done, DVC finds nothing changed.
        with Repo(str(root)) as repo:
            changed = {name.rpartition(":")[2] for name in repo.status()}
        finished = {stage_name(name) for name, done in ran.steps.items() if done.action in ("done", "cached")}
        assert changed & finished == set()
        return ran


def test_every_backend_is_held_to_the_suite() -> None:
    suites = (TestLocal, TestInline, TestDvc, test_slurm.TestSlurm, test_ray.TestRay)
    assert registry.names(registry.ENGINES) == sorted(suite.engine for suite in suites)


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlspecError, match=r"there is no engine 'lokal'; there are .*inline, local"):
        run(graph(tmp_path, [step("a")], engine="lokal"), kinds=KINDS)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("kill", "its process was killed by SIGKILL, as the system does when memory runs out"),
        ("segfault", "its process was killed by SIGSEGV"),
    ],
)
def test_a_worker_that_dies_fails_its_step_alone(tmp_path: Path, how: str, cause: str) -> None:
    steps = [step("doomed", **{how: True}), step("behind", "doomed"), *(step(f"s{index}") for index in range(4))]
    ran = run(graph(tmp_path, steps, workers=2), kinds=KINDS, lock=False)
    assert [(failure.step, failure.cause) for failure in ran.failures] == [("doomed", cause)]
    assert ran.count("done") == 4
    assert ran.count("not reached") == 1
    assert os.listdir(tmp_path / ".mlspec" / "store" / "tmp") == []


def test_a_step_that_was_killed_goes_on_from_its_scratch_folder(tmp_path: Path) -> None:
    made = graph(tmp_path, [step("long", resume=True)])
    assert run(made, kinds=KINDS, lock=False).status == "failed"
    assert len(list((tmp_path / ".mlspec" / "scratch").glob("*/halfway"))) == 1
    assert run(made, kinds=KINDS, lock=False).status == "done"
    assert list((tmp_path / ".mlspec" / "scratch").iterdir()) == []


def test_workers_are_as_many_as_allowed_and_used_again(tmp_path: Path) -> None:
    def most(workers: int) -> int:
        running, peak = 0, 0

        def listen(event: events.AnyEvent) -> None:
            nonlocal running, peak
            running += isinstance(event, events.StepStarted) - isinstance(event, events.StepFinished)
            peak = max(peak, running)

        root = tmp_path / str(workers)
        root.mkdir()
        steps = [step(f"s{index}") for index in range(9)]
        assert run(graph(root, steps, workers=workers), listener=listen, kinds=KINDS).status == "done"
        return peak

    assert [most(1), most(3)] == [1, 3]


def test_resources_and_steps_that_want_to_be_alone_are_respected(tmp_path: Path) -> None:
    running: set[str] = set()
    beside: dict[str, set[str]] = {}

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepStarted):
            running.add(event.step)
            for one in running:
                beside.setdefault(one, set()).update(running - {one})
        elif isinstance(event, events.StepFinished | events.StepFailed):
            running.discard(event.step)

    steps = [
        *(step(f"small{index}") for index in range(6)),
        step("wide", resources=Resources(cpus=4)),
        step("wider than all", resources=Resources(cpus=400, gpus=9, memory=1 << 60)),
        step("measure", kind="alone"),
    ]
    ran = run(graph(tmp_path, steps, workers=4), listener=listen, kinds=KINDS, lock=False)
    assert ran.status == "done"
    assert beside["measure"] == beside["wide"] == beside["wider than all"] == set()
    assert any(beside[f"small{index}"] for index in range(6))


@pytest.mark.parametrize(
    ("device", "places"),
    [("cuda", {"cuda:0 [0]", "cuda:1 [1]"}), ("cuda:1", {"cuda:1 []"})],
)
def test_each_running_step_has_a_gpu_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, places: set[str]
) -> None:
    monkeypatch.setattr(accelerators, "gpus", lambda: 2)
    running: set[str] = set()
    together: list[int] = []

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepStarted):
            running.add(event.step)
            together.append(len(running))
            if len(running) == 2 or device == "cuda:1":
                (tmp_path / "go").touch()
        elif isinstance(event, events.StepFinished):
            running.discard(event.step)

    steps = [
        step(name, device="cuda", where=True, wait_for="go", resources=Resources(gpus=1)) for name in ("a", "b", "c")
    ]
    made = graph(tmp_path, steps, workers=4, device=device)
    ran = run(made, listener=listen, kinds=KINDS, lock=False)
    assert max(together) == (2 if device == "cuda" else 1)
    store = Store(stores.store(stores.home(tmp_path)))
    assert {store.path(done.outputs["text"]).read_text() for done in ran.steps.values()} == places


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

def listen(event):
    if type(event).__name__ == "StepStarted" and event.step == "endless":
        os.kill(os.getpid(), signal.SIGINT)

root = Path(sys.argv[1])
try:
    run(graph(root, [step("first"), step("endless", "first", wait_for="never")], engine=sys.argv[2]),
        listener=listen, kinds=KINDS)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("engine", ["local", "inline"])
def test_an_interrupt_ends_cleanly_and_the_next_run_goes_on(tmp_path: Path, engine: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    assert os.listdir(tmp_path / ".mlspec" / "store" / "tmp") == []
    (tmp_path / "never").touch()
    steps = [step("first"), step("endless", "first", wait_for="never")]
    ran = run(graph(tmp_path, steps, engine=engine), kinds=KINDS)
    assert {step_id: ended.action for step_id, ended in ran.steps.items()} == {"first": "cached", "endless": "done"}


ORPHANS = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

def listen(event):
    if type(event).__name__ == "StepProgress":
        os.kill(os.getpid(), signal.SIGKILL)

steps = [step("endless", progress=True, wait_for="never")]
run(graph(Path(sys.argv[1]), steps), listener=listen, kinds=KINDS)
"""


def test_no_worker_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    # A worker holds the other end of this pipe: it can be read to its end only when all of them are gone.
    read, write = os.pipe()
    os.set_inheritable(write, True)
    command = [sys.executable, "-c", ORPHANS, str(tmp_path)]
    with subprocess.Popen(command, stderr=write) as process:
        os.close(write)
        assert process.wait() == -signal.SIGKILL
        with os.fdopen(read, "rb") as errors:
            assert errors.read() == b""
