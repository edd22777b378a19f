"""The guarantees of every backend on a live SLURM cluster, and what becomes of jobs that die, are killed or held."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.backends.runs import LONGEST, failures
from tests.backends.slurm_cluster import Cluster, wait
from tests.backends.slurm_runs import AWAY, go, hide, job, submitted

from mlspec import paths
from mlspec.api import garbage
from mlspec.cli import main
from mlspec.diagnostics import SpecError, render
from mlspec.document import parse
from mlspec.engine import events, handshake, pool
from mlspec.engine.backend import Setting
from mlspec.engine.pool import Hello, Terms
from mlspec.engine.run.run import run
from mlspec.graph.step import Resources
from mlspec.machine import python_paths
from mlspec.store.store import Store
from mlspec.testing.backends import BackendSuite
from mlspec.testing.graphs import KINDS, graph, step
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_probe

PENGUINS = Path(__file__).parents[2] / "specs" / "penguins"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


class TestSlurm(BackendSuite):
    engine = "slurm"


def test_a_worker_that_is_killed_fails_its_step_alone(tmp_path: Path) -> None:
    ran = go(tmp_path, step("doomed", kill=True), step("behind", "doomed"), *(step(f"s{index}") for index in range(4)))
    assert failures(ran) == [("doomed", "its process was killed by SIGKILL, as the system does when memory runs out")]
    assert (ran.count("done"), ran.count("not reached")) == (4, 1)
    assert os.listdir(tmp_path / ".mlspec" / "store" / "tmp") == []


def test_many_steps_are_few_jobs_and_those_that_were_quick_are_none(tmp_path: Path, cluster: Cluster) -> None:
    before, steps = submitted(cluster), [step(f"s{index}") for index in range(30)]
    assert go(tmp_path, *steps).count("done") == 30
    there = submitted(cluster)
    assert 1 <= there - before <= 8
    again = graph(tmp_path, steps, engine="slurm")
    assert run(again, kinds=KINDS, lock=False, force=set(again.steps)).count("done") == 30
    assert submitted(cluster) == there


def test_a_node_that_is_lost_costs_a_step_its_time_and_no_result(tmp_path: Path, cluster: Cluster) -> None:
    lost: list[str] = []
    pilots: list[int] = []

    def lose() -> None:
        pilots.extend(cluster.processes("mlspec.engine"))
        lost.append(job(cluster)[1])
        cluster.kill_node(lost[0])

    def release() -> None:
        # What was left of the job on the lost node is ended by its own pilot.
        wait(lambda: not set(pilots) & set(cluster.processes("mlspec.engine")), "the lost job's processes are gone")
        (tmp_path / "go").touch()

    try:
        ran = go(
            tmp_path,
            step("long", progress=True, wait_for="go"),
            step("next", "long"),
            when={"epochs": lose, "the node n": release},
        )
        assert ran.status == "done"
        assert (tmp_path / "ran.txt").read_text().split() == ["long", "long", "next"]
    finally:
        cluster.revive_node(lost[0])


def test_a_job_that_goes_on_when_its_node_was_given_up_does_no_harm(tmp_path: Path, cluster: Cluster) -> None:
    pilots: list[int] = []
    lost: list[str] = []

    def lose() -> None:
        # It does not see that it is wanted no more; its worker goes on, and ends late.
        pilots.extend(cluster.processes("mlspec.engine.remote"))
        for pilot in pilots:
            os.kill(pilot, signal.SIGSTOP)
        lost.append(job(cluster)[1])
        cluster.kill_node(lost[0])

    try:
        ran = go(
            tmp_path,
            step("long", progress=True, wait_for="go"),
            step("next", "long"),
            when={"epochs": lose, "waits for another run of the same step": (tmp_path / "go").touch},
        )
        assert ran.status == "done"
        assert (tmp_path / "ran.txt").read_text().split() == ["long", "next"]
    finally:
        for pilot in pilots:
            os.kill(pilot, signal.SIGCONT)
        cluster.revive_node(lost[0])
    wait(lambda: cluster.processes("mlspec.engine") == [], "no process of a job is left")


def test_a_job_that_is_preempted_is_done_again(tmp_path: Path, cluster: Cluster) -> None:
    def preempt() -> None:
        urgent = ["--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "true"]
        cluster.command("sbatch", *urgent)

    ran = go(
        tmp_path,
        step("long", progress=True, wait_for="go"),
        when={"epochs": preempt, "the node n": (tmp_path / "go").touch},
    )
    assert ran.status == "done"
    assert (tmp_path / "ran.txt").read_text().split() == ["long", "long"]


def test_a_gpu_is_asked_for_and_numbered_from_0(tmp_path: Path) -> None:
    steps = [step(name, device="cuda", where=True, resources=Resources(gpus=1)) for name in ("a", "b")]
    ran = go(tmp_path, *steps, device="cuda")
    store = Store(paths.store(paths.home(tmp_path)))
    assert {store.path(done.outputs["text"]).read_text() for done in ran.steps.values()} == {"cuda:0 [0]"}


KILLED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

def listen(event):
    if type(event).__name__ == "StepProgress":
        os.kill(os.getpid(), signal.SIGKILL)

steps = [step("before"), step("long", "before", progress=True, wait_for="go"), step("next", "long")]
run(graph(Path(sys.argv[1]), steps, engine="slurm"), listener=listen, kinds=KINDS, lock=False)
"""


def test_the_next_run_takes_over_what_a_killed_one_has_running(tmp_path: Path, cluster: Cluster) -> None:
    killed = subprocess.run([sys.executable, "-P", "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    name, _node = job(cluster)
    before = submitted(cluster)
    started: list[str] = []

    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepStarted):
            started.append(event.step)
            if event.step == "long":
                assert list(cluster.jobs()) == [name]
                (tmp_path / "go").touch()

    steps = [step("before"), step("long", "before", progress=True, wait_for="go"), step("next", "long")]
    ran = run(graph(tmp_path, steps, engine="slurm", run_timeout=LONGEST), listener=listen, kinds=KINDS, lock=False)
    assert {step_id: done.action for step_id, done in ran.steps.items()} == {
        "before": "cached",
        "long": "done",
        "next": "done",
    }
    assert started == ["long", "next"]
    assert submitted(cluster) == before + 1
    assert (tmp_path / "ran.txt").read_text().split() == ["before", "long", "next"]
    assert os.listdir(tmp_path / ".mlspec" / "slurm") == []


def test_what_a_killed_run_has_left_is_removed_by_gc(tmp_path: Path, cluster: Cluster) -> None:
    code = KILLED.replace('engine="slurm")', 'engine="slurm", partition="held")')
    assert subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], check=False).returncode == -signal.SIGKILL
    # A pool whose driver was killed before it had finished it.
    unfinished = tmp_path / ".mlspec" / "slurm" / ".mlspec-0"
    unfinished.mkdir()
    os.utime(unfinished, (0, 0))
    assert len(cluster.jobs()) == 1
    garbage.collect(tmp_path)
    assert os.listdir(tmp_path / ".mlspec" / "slurm") == []
    wait(lambda: cluster.jobs() == {}, "no job is left")


def test_an_interrupt_leaves_no_job(tmp_path: Path, cluster: Cluster) -> None:
    code = KILLED.replace("SIGKILL", "SIGINT")
    done = subprocess.run([sys.executable, "-P", "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL, check=False)
    assert done.returncode == -signal.SIGINT
    assert cluster.jobs() == {}
    assert cluster.processes("mlspec.engine") == []
    assert os.listdir(tmp_path / ".mlspec" / "store" / "tmp") == []
    assert os.listdir(tmp_path / ".mlspec" / "slurm") == []


def test_a_job_that_was_cancelled_by_others_says_so(tmp_path: Path, cluster: Cluster) -> None:
    names: list[str] = []

    def cancel() -> None:
        names.append(job(cluster)[0])
        cluster.command("scancel", names[0])

    ran = go(tmp_path, step("long", progress=True, wait_for="never"), step("aside"), workers=1, when={"epochs": cancel})
    ((name, cause),) = failures(ran)
    assert (name, ran.steps["aside"].action) == ("long", "done")
    assert cause.startswith(f"its SLURM job {names[0]} on n")
    assert cause.endswith(" was cancelled, and not by this run")


def test_a_job_that_is_held_back_shows_why(tmp_path: Path, cluster: Cluster) -> None:
    def release() -> None:
        cluster.control("update", "PartitionName=held", "State=UP")

    try:
        held = {"SLURM holds its job back: PartitionDown": release}
        assert go(tmp_path, step("one"), partition="held", when=held).status == "done"
    finally:
        cluster.control("update", "PartitionName=held", "State=DOWN")


def test_a_partition_that_there_is_not_is_refused_at_its_key(tmp_path: Path) -> None:
    document = parse("backend:\n  engine: slurm\n  partition: gpus\n", "project.yaml")
    made = graph(tmp_path, [step("one")], document=document, engine="slurm", partition="gpus")
    with pytest.raises(SpecError) as caught:
        run(made, kinds=KINDS, lock=False)
    assert (
        render(caught.value.diagnostics, caught.value.texts)
        == """\
error[backend-not-servable]: no node of the partition 'gpus' is up
 --> project.yaml:3:14
  |
3 |   partition: gpus
  |              ^^^^
  = partitions with nodes that are up: all*, held, urgent; the default one has a *
  = see: mlspec explain backend-not-servable

1 error
"""
    )


def test_what_sbatch_refuses_fails_the_step(tmp_path: Path) -> None:
    ran = go(tmp_path, step("one"), options=("--reservation=none",))
    assert failures(ran) == [
        ("one", "sbatch: sbatch: error: Batch job submission failed: Requested reservation is invalid")
    ]


def test_a_step_that_takes_too_long_is_ended(tmp_path: Path, cluster: Cluster) -> None:
    ran = go(tmp_path, step("long", wait_for="never"), step("aside"), step_timeout=3.0)
    assert failures(ran) == [("long", "it took longer than backend.step_timeout allows (3 s)")]
    assert ran.steps["aside"].action == "done"
    wait(lambda: cluster.processes("mlspec.engine") == [], "no process of a job is left")


def test_a_step_that_its_job_has_no_time_for_continues_where_it_was_if_it_was_anywhere(
    tmp_path: Path, cluster: Cluster
) -> None:
    running: list[str] = []

    def warn() -> None:
        # As SLURM does a minute before the limit.
        running.append("one")
        for name in cluster.jobs() if len(running) == 2 else ():
            cluster.command("scancel", "--batch", "--signal=USR1", name)

    ran = go(
        tmp_path,
        step("saves", checkpoint=True),
        step("next", "saves"),
        step("wastes", progress=True, wait_for="never"),
        when={"saved": warn, "epochs": warn, "the time limit of job ": lambda: None},
    )
    ((name, cause),) = failures(ran)
    assert (name, ran.count("done")) == ("wastes", 2)
    assert sorted((tmp_path / "ran.txt").read_text().split()) == ["next", "saves", "saves", "wastes"]
    assert cause.endswith(
        " reached its time limit, of which a step has at least half, and it had saved nothing new to continue from: "
        "`--time` in backend.options asks for more"
    )


def test_a_step_that_fits_no_node_is_refused_before_anything_runs(tmp_path: Path, cluster: Cluster) -> None:
    text = "backend:\n  engine: slurm\n  processes: 3\n"
    steps = [step("small"), step("wide", "small", resources=Resources(cpus=3))]
    before, document = submitted(cluster), parse(text, "project.yaml")
    with pytest.raises(SpecError) as caught:
        run(graph(tmp_path, steps, document=document, engine="slurm", processes=3), kinds=KINDS, lock=False)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.notes) == (
        "step-fits-no-node",
        "the step 'wide' takes 3 cores, and no node of the cluster has that",
        ("the cluster has nodes with 2 cores, 2.1 GB of memory, 1 GPU; 2 cores, 2.1 GB of memory, no GPUs",),
    )
    assert found.span is not None
    assert found.span.line == 3
    assert submitted(cluster) == before
    assert not (tmp_path / "ran.txt").exists()


OTHER_LIBRARIES = """for argument; do
    shift
    set -- "$@" "$(printf %s "$argument" | sed "s#/lib/here#/lib/there#")"
done
"""


@pytest.mark.parametrize(
    ("on_n1", "cause"),
    [
        (OTHER_LIBRARIES, "the node n1 has other versions than this machine: frobnicate 2.0 instead of 1.0"),
        ("exit 7\n", ".* on n1 ended without a result .FAILED., before it could take a step: does the node see .*"),
    ],
)
def test_a_node_that_cannot_be_used_is_left_out_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_n1: str, cause: str
) -> None:
    for folder, version in (("here", "1.0"), ("there", "2.0")):
        (tmp_path / "lib" / folder / f"frobnicate-{version}.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "lib" / "here")
    first, last = commands.SCRIPT.split("exec ")
    monkeypatch.setattr(commands, "SCRIPT", f'{first}if [ "$MLSPEC_NODE" = n1 ]; then\n{on_n1}fi\nexec {last}')
    # As many as there are cores: two wait for a job on n1, until that node is known.
    ran = go(
        tmp_path,
        *(replace(step(f"s{index}", wait_for="go"), environment={"frobnicate": "1.0"}) for index in range(4)),
        when={
            f"{cause}; the run goes on without this node": (tmp_path / "go").touch,
            f"{cause}; the run did without this node": lambda: None,
        },
    )
    assert (ran.status, ran.count("done"), ran.failures) == ("done", 4, ())


def test_where_no_node_is_left_that_a_user_allows_the_step_fails_and_names_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SCRIPT", "#!/bin/sh\nexit 7\n")
    ((name, cause),) = failures(go(tmp_path, step("one"), options=("--exclude=n2",)))
    assert name == "one"
    assert cause.startswith("sbatch: ")
    assert cause.endswith("Requested node configuration is not available (left out: n1)")


def test_nodes_with_other_versions_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "lib" / "frobnicate-1.0.dist-info"
    installed.mkdir(parents=True)
    monkeypatch.syspath_prepend(installed.parent)
    assert str(installed.parent) in python_paths.own()

    def listen(event: events.AnyEvent) -> None:
        # The driver knows its own versions by now, and no job has begun.
        if isinstance(event, events.StepStarted):
            installed.rename(installed.with_name("frobnicate-2.0.dist-info"))

    made = graph(tmp_path, [replace(step("one"), environment={"frobnicate": "1.0"})], engine="slurm")
    ran = run(made, kinds=KINDS, lock=False, listener=listen)
    ((_name, cause),) = failures(ran)
    assert cause.startswith("the node n")
    assert cause.endswith(
        " has other versions than this machine: frobnicate 2.0 instead of 1.0; no other node could be used"
    )


def test_locks_that_do_not_reach_a_node_are_refused(tmp_path: Path) -> None:
    here = handshake.own(["polars"])
    own = pool.create(tmp_path, Terms(Setting(root=tmp_path, home=tmp_path, logs=tmp_path), here))
    try:
        # What a pilot reports that could take the lock which the driver holds.
        cause = _slurm_probe.refusal(own, "1_0", Hello("n7", here, 0.0, False), here)
        assert cause.startswith("locks of files (flock) do not reach from this machine to the node n7: mount the file ")
    finally:
        own.remove()


def test_names_of_folders_are_read_by_no_shell(tmp_path: Path) -> None:
    root = tmp_path / 'it\'s "$(touch PWNED)" %j `touch PWNED`; touch PWNED'
    root.mkdir()
    ran = go(root, step("one"), options=("--comment=two words & (more)",))
    assert failures(ran) == []
    assert list(tmp_path.rglob("PWNED")) == []


def test_a_cluster_that_does_not_answer_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    config = tmp_path / "slurm.conf"
    config.write_text(
        f"{re.sub('(?m)^SlurmctldPort=.*$', 'SlurmctldPort=1', cluster.config.read_text())}MessageTimeout=1\n"
    )
    monkeypatch.setenv("SLURM_CONF", str(config))
    with pytest.raises(commands.SlurmError, match=r"^sinfo: .*Unable to contact slurm controller"):
        go(tmp_path, step("one"))


def test_penguins_have_the_same_results_as_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    locks, before = [], submitted(cluster)
    for backend in ("cpu", "slurm", "away"):
        folder = tmp_path / backend
        shutil.copytree(PENGUINS, folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
        monkeypatch.chdir(folder)
        with Path("project.yaml").open("a") as spec:
            spec.write(AWAY)
        if backend == "away":
            hide(folder, monkeypatch)
        assert main(["run", "--backend", backend]) == 0
        steps = json.loads((folder / "mlspec.lock").read_text())["steps"]
        locks.append({name: (step["fingerprint"], step["outputs"]) for name, step in steps.items()})
    assert submitted(cluster) > before
    assert len(locks[0]) > 10
    assert locks[0] == locks[1] == locks[2]


SPEC = """\
mlspec: 1
project: {name: tiny}
data:
  sources:
    rows: {path: rows.csv}
  columns: {target: y}
model:
  candidates:
    net: {type: torch.mlp, epochs: 2}
tuning:
  net: {trials: 4, parallel: 4}
"""


def test_the_doctor_looks_at_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n2,4\n3,6\n")
    (tmp_path / "project.yaml").write_text(SPEC)
    assert main(["doctor", "--backend", "slurm", "--format", "json"]) == 1
    found = {entry["what"]: (entry["state"], entry["text"]) for entry in json.loads(capsys.readouterr().out)}
    assert found["SLURM"][0] == "ok"
    assert found["partition urgent"][0] == "ok"
    assert found["partition held"][1].startswith("down; 1 x idle, each with 2 cores, 2.1 GB of memory")
    seen = ("ok", "sees this folder and its locks, has the same versions")
    assert (found["node n1"], found["node n2"]) == (seen, seen)
    assert found["1 step"] == (
        "wrong",
        "4 cores, the partition's default memory, the partition's time limit for each of tune.net: fits no node",
    )
    (count,) = [what for what in found if what.endswith(" steps")]
    assert found[count][0] == "ok"
    assert found[count][1].startswith("1 core, the partition's default memory, the partition's time limit for each of ")
    assert found[count][1].endswith(", ...: fits n1, n2")
    assert list(tmp_path.glob(".mlspec-*")) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor", "--backend", "slurm"]) == 1
    assert "sbatch is not on the PATH: SLURM's client commands are not installed" in capsys.readouterr().out
