"""The guarantees of every backend on a live Ray cluster, and what becomes of steps whose nodes or processes die."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from tests.backends.ray_cluster import Cluster
from tests.backends.ray_runs import go, on
from tests.backends.runs import LONGEST, failures
from tests.backends.slurm_cluster import wait

from mlspec.cli import main
from mlspec.diagnostics import SpecError, render
from mlspec.document import parse
from mlspec.engine import events, handshake
from mlspec.engine.backend import Setting
from mlspec.engine.run.run import run
from mlspec.graph.step import Resources
from mlspec.testing.backends import BackendSuite
from mlspec.testing.graphs import KINDS, graph, step
from mlspec_backends import _ray_node as node
from mlspec_backends import ray as engine

PENGUINS = Path(__file__).parents[2] / "specs" / "penguins"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("ray")]


class TestRay(BackendSuite):
    engine = "ray"


def refusal(made: object) -> str:
    with pytest.raises(SpecError) as caught:
        run(made, kinds=KINDS, lock=False)  # type: ignore[arg-type]
    return render(caught.value.diagnostics, caught.value.texts)


def test_a_worker_that_is_killed_fails_its_step_alone(tmp_path: Path) -> None:
    ran = go(tmp_path, step("doomed", kill=True), step("behind", "doomed"), *(step(f"s{index}") for index in range(3)))
    assert failures(ran) == [("doomed", "its process was killed by SIGKILL, as the system does when memory runs out")]
    assert (ran.count("done"), ran.count("not reached")) == (3, 1)
    assert os.listdir(tmp_path / ".mlspec" / "store" / "tmp") == []


@pytest.mark.parametrize("late", [False, True], ids=["gone", "ends late"])
def test_a_node_that_is_lost_costs_a_step_its_time_and_no_result(
    tmp_path: Path, ray: Cluster, capfd: pytest.CaptureFixture[str], late: bool
) -> None:
    begun: set[str] = set()
    there: list[int] = []
    lost: list[str] = []

    def lose() -> None:
        there.extend(ray.processes("mlspec.engine.worker", "n2"))
        if late:
            # Ray's process neither sees nor hears that it is wanted no more; its worker goes on.
            for process in (*ray.processes("ray::mlspec", "n2"), ray.daemon("n2")):
                os.kill(process, signal.SIGSTOP)
        else:
            os.kill(ray.daemon("n2"), signal.SIGKILL)

    def listen(event: events.AnyEvent) -> None:
        if not isinstance(event, events.StepProgress):
            return
        if event.what == "epochs" and event.step not in begun:
            begun.add(event.step)
            if len(begun) == 2:
                lose()
        elif event.what == "the node n2 was lost; the step is handed out again":
            lost.append(event.step)
            if not late:
                wait(lambda: not set(there) & set(ray.processes("mlspec.engine.worker")), "its worker is gone")
                (tmp_path / event.step).touch()
            # The other one makes room on the node that is left.
            (tmp_path / ("a" if event.step == "b" else "b")).touch()
        elif event.what == "waits for another run of the same step":
            assert late
            (tmp_path / event.step).touch()

    steps = [step(name, progress=True, wait_for=name) for name in ("a", "b")]
    made = graph(tmp_path, [*steps, step("end", "a", "b")], engine="ray", run_timeout=LONGEST)
    try:
        ran = run(made, kinds=KINDS, lock=False, listener=listen)
        assert (ran.status, failures(ran)) == ("done", [])
        assert len(lost) == 1
        twice = [] if late else lost
        assert sorted((tmp_path / "ran.txt").read_text().split()) == sorted(["a", "b", "end", *twice])
        # Ray has news of the node, and mlspec's output may be a document.
        assert capfd.readouterr().out == ""
    finally:
        ray.revive_node("n2")
    wait(lambda: ray.processes("mlspec.engine.worker") == [], "no process of a step is left")


@pytest.mark.parametrize("times", [1, 3])
def test_a_step_is_handed_out_again_twice_where_rays_process_is_killed(
    tmp_path: Path, ray: Cluster, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(engine, "DOUBT", 1.0)
    killed: list[int] = []
    said: list[str] = []
    notes: list[str] = []

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.Noted):
            notes.append(event.text)
        if isinstance(event, events.StepProgress) and event.what != "epochs":
            said.append(event.what)
        elif isinstance(event, events.StepProgress) and len(killed) == times:
            (tmp_path / "go").touch()
        elif isinstance(event, events.StepProgress) and event.share < 1.0:
            (process,) = ray.processes("ray::mlspec long")
            killed.append(process)
            os.kill(process, signal.SIGKILL)

    made = graph(tmp_path, [step("long", progress=True, wait_for="go")], engine="ray", resources=on("n1"))
    ran = run(made, kinds=KINDS, lock=False, listener=listen)
    causes = [f"process {process} of Ray's on the node n1 died, and not the node" for process in killed]
    assert said == [f"{cause}; the step is handed out again" for cause in causes[:2]]
    assert notes == ([f"long: {causes[0]}; the step was handed out again"] if times == 1 else [])
    assert failures(ran) == ([] if times == 1 else [("long", f"its {causes[2]}; it was handed out 3 times")])
    assert ray.processes("mlspec.engine.worker") == []


KILLED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

def listen(event):
    if type(event).__name__ == "StepProgress":
        for process in (*map(int, sys.argv[2:]), os.getpid()):
            os.kill(process, signal.SIGKILL)

steps = [step("before"), step("long", "before", progress=True, wait_for="go"), step("next", "long")]
run(graph(Path(sys.argv[1]), steps, engine="ray", resources={"n2": 1}), listener=listen, kinds=KINDS, lock=False)
"""


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with a node's daemon"])
def test_a_driver_that_is_killed_leaves_its_results_and_no_process(tmp_path: Path, ray: Cluster, alone: bool) -> None:
    others = [] if alone else [str(ray.daemon("n2"))]
    command = [sys.executable, "-P", "-c", KILLED, str(tmp_path), *others]
    try:
        assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
        wait(lambda: ray.processes("mlspec.engine.worker") == [], "no process of a step is left")
    finally:
        if others:
            ray.revive_node("n2")
    (tmp_path / "go").touch()
    ran = go(tmp_path, step("before"), step("long", "before", progress=True, wait_for="go"), step("next", "long"))
    assert {name: done.action for name, done in ran.steps.items()} == {
        "before": "cached",
        "long": "done",
        "next": "done",
    }
    assert (tmp_path / "ran.txt").read_text().split() == ["before", "long", "long", "next"]
    assert os.listdir(tmp_path / ".mlspec" / "ray") == []


def test_an_interrupt_leaves_no_process(tmp_path: Path, ray: Cluster) -> None:
    code = KILLED.replace("SIGKILL", "SIGINT")
    done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGINT, b"")
    assert os.listdir(tmp_path / ".mlspec" / "ray") == []
    wait(lambda: ray.processes("mlspec.engine.worker") == [], "no process of a step is left")


def test_a_step_that_takes_too_long_or_too_much_is_ended(tmp_path: Path, ray: Cluster) -> None:
    ran = go(tmp_path, step("long", wait_for="never"), step("aside"), step_timeout=4.0)
    assert failures(ran) == [("long", "it took longer than backend.step_timeout allows (4 s)")]
    assert ran.steps["aside"].action == "done"
    ran = go(tmp_path, step("large", hold=600_000_000, wait_for="never"), memory=500_000_000)
    ((name, cause),) = failures(ran)
    assert name == "large"
    assert cause.endswith(" MB of memory, but backend.memory allows 500 MB")
    wait(lambda: ray.processes("mlspec.engine.worker") == [], "no process of a step is left")


def test_a_step_that_fits_no_node_is_refused_before_anything_runs(tmp_path: Path) -> None:
    document = parse("backend:\n  engine: ray\n  processes: 2\n", "project.yaml")
    steps = [step("small"), step("wide", "small", resources=Resources(cpus=2))]
    assert (
        refusal(graph(tmp_path, steps, document=document, engine="ray", processes=2))
        == """\
error[step-fits-no-node]: the step 'wide' takes 2 cores, and no node of the cluster has that
 --> project.yaml:3:14
  |
3 |   processes: 2
  |              ^
  = the cluster has nodes with 1 core, 4 GB of memory, no GPUs
  = see: mlspec explain step-fits-no-node

1 error
"""
    )
    assert not (tmp_path / "ran.txt").exists()


def test_what_no_node_has_is_refused_at_its_key(tmp_path: Path) -> None:
    text = "backend:\n  engine: ray\n  resources: {licence: 2}\n"
    asked = {"document": parse(text, "project.yaml"), "engine": "ray", "resources": {"licence": 2.0}}
    assert (
        refusal(graph(tmp_path, [step("one")], **asked))
        == """\
error[backend-not-servable]: no node of the Ray cluster has 2 of 'licence'
 --> project.yaml:3:14
  |
3 |   resources: {licence: 2}
  |              ^^^^^^^^^^^^
  = the cluster has the resources licence, n1, n2
  = see: mlspec explain backend-not-servable

1 error
"""
    )
    asked = {"document": parse(text, "project.yaml"), "engine": "ray", "accelerator": "A100", "device": "cuda"}
    assert "no node of the Ray cluster has an accelerator 'A100'" in refusal(graph(tmp_path, [step("one")], **asked))


def test_a_cluster_that_refuses_this_machine_or_does_not_answer_is_said_so(tmp_path: Path, ray: Cluster) -> None:
    # A process reads its token once.
    (tmp_path / "token").write_text("ab" * 32)
    wrong = {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"), "RAY_gcs_server_port_wait_time_s": "1"}
    code = """
import os, sys
from mlspec.cli import main
main(["doctor", "--backend", "ray"])
os.environ["RAY_ADDRESS"] = "127.0.0.1:1"
sys.exit(main(["doctor", "--backend", "ray"]))
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, **wrong},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"no Ray cluster can be used at '{ray.environment['RAY_ADDRESS']}': Failed to connect" in done.stdout
    assert "no Ray cluster can be used at '127.0.0.1:1'" in done.stdout
    assert "one with a token needs RAY_AUTH_MODE=token and the same token here" in done.stdout
    assert not (tmp_path / ".mlspec").exists()


def test_a_node_with_other_versions_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib" / "frobnicate-1.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "lib")
    one = replace(step("one"), environment={"frobnicate": "1.0"})
    ran = run(graph(tmp_path, [one], engine="ray", resources=on("n2")), kinds=KINDS, lock=False)
    cause = "the node n2 has other versions than this machine: frobnicate 2.0 instead of 1.0"
    assert failures(ran) == [("one", cause)]


def test_folders_and_locks_that_a_node_does_not_see_are_refused(tmp_path: Path) -> None:
    setting = Setting(root=tmp_path, home=tmp_path, logs=tmp_path)
    terms = node.Terms(setting, handshake.own(["polars"]), {}, tmp_path / "driver")
    encoded = msgspec.json.encode(terms, enc_hook=os.fspath)
    assert node.refusal(encoded) == (
        f"does not see the folder '{tmp_path}': it has to be on a file system that all nodes mount"
    )
    # A lock that nobody holds, as far as this machine sees.
    (tmp_path / "driver").touch()
    node.refusal.cache_clear()
    assert node.refusal(encoded).startswith("does not see locks of files (flock) that this machine holds: mount the ")


def test_penguins_have_the_same_results_as_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = []
    for backend in ("cpu", "ray"):
        folder = tmp_path / backend
        shutil.copytree(PENGUINS, folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
        monkeypatch.chdir(folder)
        assert main(["run", "--backend", backend]) == 0
        steps = json.loads((folder / "mlspec.lock").read_text())["steps"]
        locks.append({name: (step["fingerprint"], step["outputs"]) for name, step in steps.items()})
    assert len(locks[0]) > 10
    assert locks[0] == locks[1]


def test_the_doctor_looks_at_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--backend", "ray", "--format", "json"]) == 0
    found = [(entry["what"], entry["state"], entry["text"]) for entry in json.loads(capsys.readouterr().out)]
    seen = "sees this folder and its locks, has the same versions"
    assert found[1][2].startswith("Ray 2.")
    for name in ("n1", "n2"):
        assert (f"node {name}", "ok", f"1 core, 4 GB of memory, licence, {name}") in found
        assert (f"node {name}", "ok", seen) in found
    assert os.listdir(tmp_path) == []
