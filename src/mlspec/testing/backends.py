"""Conformance suite of backends: equal results, reported failures, resumable runs."""

# ruff: noqa: D102 (the name of a test is its sentence)

import signal
import subprocess
import sys
from pathlib import Path

import msgspec

from mlspec import paths
from mlspec.engine.events import AnyEvent, StepProgress
from mlspec.engine.run import run_record
from mlspec.engine.run.run import run
from mlspec.engine.run.run_record import Run
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing.graphs import KINDS, graph, step

ALL_KINDS_OF_OUTPUT = (
    step("first", text="1"),
    step("second", "first", outputs=("text", "folder"), text="2"),
    step("third", "second:folder", "first"),
    step("last", "third", "second", kind="join", text="4"),
)
LAST = "4(2(1()),third(1(),b.txt=b|deep/a.txt=2))"

HOSTILE = (
    "two words",
    'it\'s "quoted"',
    "$(touch PWNED)",
    "`touch PWNED`",
    "${PATH} and ${a.b}",
    "a; touch PWNED #",
    "two\nlines",
    "-rf",
    "--",
    "a: b",
    "*?[x]",
    "dots..and%20",
    "\\${x} \\",
    "\u00fcml\u00e4ut \u8863\u670d \U0001f427",
    "null",
    "1e-5",
)
KILLED = """
import os, signal, sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.backends import ALL_KINDS_OF_OUTPUT
from mlspec.testing.graphs import KINDS, graph

def listen(event):
    if type(event).__name__ == "StepFinished":
        os.kill(os.getpid(), signal.SIGKILL)

made = graph(Path(sys.argv[1]), ALL_KINDS_OF_OUTPUT, engine=sys.argv[2], workers=1)
run(made, listener=listen, kinds=KINDS, lock=False)
"""
RESUMED = """
import sys
from pathlib import Path
from mlspec.engine.run.run import run
from mlspec.testing.graphs import KINDS, graph, step

made = graph(Path(sys.argv[1]), [step("long", resume=True)], engine=sys.argv[2])
sys.exit(run(made, kinds=KINDS, lock=False).status != "done")
"""


class BackendSuite:
    """Tests for a backend: inherit, set ``engine`` to its name, and ``prepared`` where it can't work in any folder."""

    engine: str

    def prepared(self, root: Path) -> Path:
        """A folder in which the engine can work."""
        return made(root)

    def test_steps_are_handed_what_the_steps_before_them_gave(self, tmp_path: Path) -> None:
        ran = self.run(tmp_path, *ALL_KINDS_OF_OUTPUT)
        assert ran.status == "done"
        assert {step_id: done.action for step_id, done in ran.steps.items()} == dict.fromkeys(ran.steps, "done")
        assert self.text(tmp_path, ran, "last") == LAST
        assert upkeep.verify(self.store(tmp_path)) == []

    def test_results_are_the_same_as_when_done_in_process(self, tmp_path: Path) -> None:
        steps = *ALL_KINDS_OF_OUTPUT, step("search", kind="search", parallel=2, turns=2)
        here = self.run(tmp_path / "here", *steps)
        there = _run(graph(made(tmp_path / "there"), steps, engine="inline"))
        assert {name: done.outputs for name, done in here.steps.items()} == {
            name: done.outputs for name, done in there.steps.items()
        }

    def test_a_second_run_finds_everything_and_leaves_no_trace(self, tmp_path: Path) -> None:
        first = self.run(tmp_path, *ALL_KINDS_OF_OUTPUT)
        again = self.run(tmp_path, *ALL_KINDS_OF_OUTPUT)
        assert again.count("cached") == len(ALL_KINDS_OF_OUTPUT)
        assert again.folder is None
        assert [str(folder) for folder in run_record.folders(paths.home(tmp_path))] == [first.folder]
        assert sorted(self.ran(tmp_path)) == ["first", "second", "third"]

    def test_a_failure_is_reported_and_the_rest_goes_on(self, tmp_path: Path) -> None:
        steps = (
            step("broken", error="no such luck", print="just before"),
            step("behind", "broken"),
            step("further", "behind"),
            step("aside"),
            step("end", "aside"),
        )
        ran = self.run(tmp_path, *steps)
        assert ran.status == "failed"
        assert [(failure.step, failure.cause) for failure in ran.failures] == [("broken", "ValueError: no such luck")]
        assert {step_id: done.action for step_id, done in ran.steps.items()} == {
            "broken": "failed",
            "behind": "not reached",
            "further": "not reached",
            "aside": "done",
            "end": "done",
        }
        assert ran.steps["further"].because == "broken"
        assert ran.failures[0].log is not None
        log = Path(ran.failures[0].log).read_text()
        assert "just before" in log
        assert "to the error stream" in log
        assert 'raise ValueError(params["error"])' in log

    def test_a_refusal_is_reported_in_its_own_words(self, tmp_path: Path) -> None:
        ran = self.run(tmp_path, step("picky", refuse="column 'age' is empty"), step("odd", exit=3))
        assert {failure.step: failure.cause for failure in ran.failures} == {
            "picky": "column 'age' is empty",
            "odd": "SystemExit: 3",
        }

    def test_a_step_that_does_not_write_its_outputs_fails(self, tmp_path: Path) -> None:
        ran = self.run(tmp_path, step("lazy", nothing=True), step("sly", link=True))
        assert {failure.step: failure.cause for failure in ran.failures} == {
            "lazy": "it did not write 'text'",
            "sly": "a step wrote 'text', which is neither a file nor a folder",
        }

    def test_a_failed_step_is_tried_again_and_finished_ones_are_not(self, tmp_path: Path) -> None:
        broken = (step("before"), step("work", "before", error="not yet"))
        assert self.run(tmp_path, *broken).status == "failed"
        mended = (step("before"), step("work", "before"))
        assert self.run(tmp_path, *mended).status == "done"
        assert self.ran(tmp_path) == ["before", "work", "work"]

    def test_an_equal_result_upstream_stops_the_run(self, tmp_path: Path) -> None:
        self.run(tmp_path, step("up", constant=1, text="old"), step("down", "up"))
        ran = self.run(tmp_path, step("up", constant=1, text="new"), step("down", "up"))
        assert {step_id: done.action for step_id, done in ran.steps.items()} == {"up": "done", "down": "cached"}

    def test_forced_steps_are_done_again(self, tmp_path: Path) -> None:
        steps = (step("up"), step("down", "up"))
        self.run(tmp_path, *steps)
        ran = _run(graph(self.prepared(tmp_path), steps, engine=self.engine), force={"up"})
        assert {step_id: done.action for step_id, done in ran.steps.items()} == {"up": "done", "down": "cached"}

    def test_progress_is_reported(self, tmp_path: Path) -> None:
        message: list[AnyEvent] = []
        _run(graph(self.prepared(tmp_path), [step("long", progress=True)], engine=self.engine), listener=message.append)
        progress = [event for event in message if isinstance(event, StepProgress)]
        assert [(event.step, event.what, event.share) for event in progress][-1] == ("long", "epochs", 1.0)
        assert progress[-1].figures == {"loss": 0.125}

    def test_damaged_results_are_made_again(self, tmp_path: Path) -> None:
        first = self.run(tmp_path, *ALL_KINDS_OF_OUTPUT)
        store = self.store(tmp_path)
        objects = store.root / "objects"
        for path in sorted(objects.iterdir()):
            path.chmod(0o644)
            path.write_bytes(b"\0" + path.read_bytes()[1:])
        more = (*ALL_KINDS_OF_OUTPUT, step("new", "last", "second:folder", "third"))
        ran = self.run(tmp_path, *more)
        assert ran.status == "done"
        assert self.text(tmp_path, ran, "last") == LAST
        assert all(ran.steps[name].outputs == done.outputs for name, done in first.steps.items())
        assert upkeep.verify(store) == []

    def test_equal_steps_are_done_once(self, tmp_path: Path) -> None:
        ran = self.run(tmp_path, step("one", text="same"), step("two", text="same"))
        assert sorted(done.action for done in ran.steps.values()) == ["cached", "done"]
        assert len(self.ran(tmp_path)) == 1

    def test_what_others_put_into_a_shared_store_is_not_done_again(self, tmp_path: Path) -> None:
        made = [
            _run(graph(self.prepared(tmp_path / name), ALL_KINDS_OF_OUTPUT, engine=self.engine, store="../shared"))
            for name in ("mine", "yours")
        ]
        assert self.ran(tmp_path / "mine") == ["first", "second", "third"]
        assert not (tmp_path / "yours" / "ran.txt").exists()
        assert self.text(tmp_path / "yours", made[1], "last") == LAST
        assert upkeep.verify(self.store(tmp_path / "yours")) == []

    def test_the_record_says_what_a_step_took(self, tmp_path: Path) -> None:
        taken = self.run(tmp_path, step("one")).steps["one"].record
        assert taken["step"] == "one"
        assert taken["seconds"] > 0
        assert taken["cpu_seconds"] >= 0
        assert taken["peak_memory"] > 1_000_000
        assert taken["finished"].endswith("Z")

    def test_the_run_is_written_down(self, tmp_path: Path) -> None:
        ran = self.run(tmp_path, step("one"), step("bad", error="no"))
        assert ran.folder is not None
        assert msgspec.to_builtins(run_record.read(Path(ran.folder))) == msgspec.to_builtins(ran)
        lines = Path(ran.folder, run_record.EVENTS).read_bytes().splitlines()
        names = [msgspec.json.decode(line)["event"] for line in lines]
        assert names[0] == "run_started"
        assert names[-1] == "run_finished"
        assert sorted(names[1:-1]) == ["step_failed", "step_finished", "step_started", "step_started"]

    def test_a_killed_run_is_gone_on_with(self, tmp_path: Path) -> None:
        self.prepared(tmp_path)
        assert self.elsewhere(tmp_path, KILLED) == -signal.SIGKILL
        ran = self.run(tmp_path, *ALL_KINDS_OF_OUTPUT)
        assert {step_id: done.action for step_id, done in ran.steps.items()} == {
            **dict.fromkeys(ran.steps, "done"),
            "first": "cached",
        }
        assert self.text(tmp_path, ran, "last") == LAST
        assert upkeep.verify(self.store(tmp_path)) == []

    def test_a_killed_step_goes_on_from_where_it_was(self, tmp_path: Path) -> None:
        self.prepared(tmp_path)
        # Whether the step dies alone or with the whole process is up to the engine.
        assert self.elsewhere(tmp_path, RESUMED) != 0
        scratch = paths.scratch(paths.home(tmp_path))
        assert len(list(scratch.glob("*/halfway"))) == 1
        ran = self.run(tmp_path, step("long", resume=True))
        assert ran.steps["long"].action == "done"
        assert list(scratch.iterdir()) == []

    def test_hostile_names_and_values_come_through(self, tmp_path: Path) -> None:
        steps = [step(f"s{place}", text=text) for place, text in enumerate(HOSTILE)]
        named = [step(name, "s0", text="named") for name in HOSTILE]
        ran = self.run(tmp_path, *steps, *named)
        assert ran.failures == ()
        for place, text in enumerate(HOSTILE):
            assert self.text(tmp_path, ran, f"s{place}") == f"{text}()"
        assert not (tmp_path / "PWNED").exists()
        again = self.run(tmp_path, *steps, *named)
        assert again.count("cached") == len(steps) + len(named)
        assert again.folder is None

    def elsewhere(self, root: Path, code: str) -> int:
        """The exit code of a run in a process of its own."""
        command = [sys.executable, "-P", "-c", code, str(root), self.engine]
        return subprocess.run(command, stderr=subprocess.DEVNULL, check=False, timeout=120).returncode

    def run(self, root: Path, *steps: Step) -> Run:
        """Run these steps in a folder."""
        return _run(graph(self.prepared(root), steps, engine=self.engine))

    def store(self, root: Path) -> Store:
        """The store of that folder."""
        return Store(paths.store(paths.home(root)))

    def text(self, root: Path, ran: Run, step_id: str) -> str:
        """The text that a step gave."""
        return self.store(root).path(ran.steps[step_id].outputs["text"]).read_text()

    def ran(self, root: Path) -> list[str]:
        """The steps of kind ``act`` in the order in which they were done, in all runs."""
        return (root / "ran.txt").read_text().split()


def made(folder: Path) -> Path:
    """The folder, made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(made: Graph, **options: object) -> Run:
    return run(made, kinds=KINDS, lock=False, **options)  # type: ignore[arg-type]
