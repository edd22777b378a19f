"""A step or a run that takes more than it may is ended, and the key that says so is pointed at."""

import re
from pathlib import Path
from typing import Any

from tests import hardware

from mlspec.document import parse
from mlspec.engine import events
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.step import Step
from mlspec.testing.graphs import KINDS, graph, step

SPEC = parse("backend:\n  step_timeout: 1s\n  run_timeout: 1s\n  memory: 300MB\n", "project.yaml")


def carried_out(root: Path, steps: list[Step], **backend: Any) -> Run:
    return run(graph(root, steps, document=SPEC, **backend), kinds=KINDS, lock=False)


def test_a_step_that_takes_too_long_is_ended_alone(tmp_path: Path) -> None:
    steps = [step("endless", wait_for="never"), step("behind", "endless"), step("aside"), step("end", "aside")]
    ran = carried_out(tmp_path, steps, workers=2, step_timeout=1.0)
    (failure,) = ran.failures
    assert (failure.step, failure.cause) == ("endless", "it took longer than backend.step_timeout allows (1 s)")
    assert failure.place is not None
    assert (failure.place.line, failure.place.column) == (2, 17)
    assert {name: became.action for name, became in ran.steps.items()} == {
        "endless": "failed",
        "behind": "not reached",
        "aside": "done",
        "end": "done",
    }
    (tmp_path / "never").touch()
    assert carried_out(tmp_path, steps, workers=2, step_timeout=60.0).status == "done"


def test_a_run_that_takes_too_long_is_ended_and_gone_on_with(tmp_path: Path) -> None:
    steps = [step("first"), step("endless", "first", wait_for="never"), step("behind", "endless")]
    ran = carried_out(tmp_path, steps, run_timeout=1.0)
    assert ran.status == "failed"
    (failure,) = ran.failures
    assert failure.cause == "the run took longer than backend.run_timeout allows; results so far are kept"
    assert failure.place is not None
    assert (failure.place.line, failure.place.column) == (3, 16)
    (tmp_path / "never").touch()
    again = carried_out(tmp_path, steps, run_timeout=60.0)
    assert again.status == "done"
    assert again.steps["first"].action == ran.steps["first"].action.replace("done", "cached")


@hardware.needs(Path("/proc/self/status").exists(), "what processes hold is read from /proc")
def test_the_step_that_takes_most_memory_is_ended_when_all_take_too_much(tmp_path: Path) -> None:
    def listen(event: events.AnyEvent) -> None:
        if isinstance(event, events.StepFailed):
            (tmp_path / "over").touch()

    steps = [step("greedy", hold=400_000_000, wait_for="over"), step("small", hold=10_000_000, wait_for="over")]
    made = graph(tmp_path, steps, document=SPEC, workers=2, memory=300_000_000)
    ran = run(made, listener=listen, kinds=KINDS, lock=False)
    (failure,) = ran.failures
    assert failure.step == "greedy"
    assert re.match(r"it took \d+ MB of memory .*, but backend.memory allows 300 MB$", failure.cause)
    assert failure.place is not None
    assert failure.place.line == 4
    assert ran.steps["small"].action == "done"
