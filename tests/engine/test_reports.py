"""What comes back from other processes and nodes is bounded and typed: nothing of it is a traceback here."""

import os
import select
import sys
from pathlib import Path

import msgspec
import pytest

from mlspec.engine import pool
from mlspec.engine.apart import Arrived, Printed, Said
from mlspec.engine.backend import Failed, Finished, Progress, Report, Setting, Task
from mlspec.engine.handover import Handover
from mlspec.engine.pool import Shape, Terms
from mlspec.engine.reports import checked
from mlspec.engine.worker_process import Worker
from mlspec.machine import child_process, json_lines
from mlspec.machine.json_lines import Lines
from mlspec.store.action import Action
from mlspec.store.store import Store
from mlspec_backends._sessions import Session

TASK = Task(step="a", kind="k", work="w", fingerprint="f" * 64, identity="i", outputs=("text",))
PROGRESS = msgspec.json.encode(Progress("a", "epochs", 0.5))
HOSTILE = [
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b'{"report": "finished", "step": "a"}',
    b'{"report": "unknown"}',
    b'{"report": "progress", "step": "a", "what": 3, "share": 1}',
    b'{"report": "progress", "step": "a", "what": "x", "share": "half"}',
    b'{"report":"finished","step":"a","made":true,"action":{"fingerprint":"f","identity":"i","kind":"k","record":'
    + b'{"a":' * 100_000,
    b"null",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_malformed_report_ends_what_is_read_and_says_why(line: bytes) -> None:
    lines: Lines[Report] = Lines(Report)
    assert lines.feed(PROGRESS + b"\n" + line + b"\n" + PROGRESS + b"\n") == [Progress("a", "epochs", 0.5)]
    assert lines.trouble.startswith("its report can't be read: ")
    assert lines.feed(PROGRESS + b"\n") == []


def test_a_report_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "LARGEST", 1 << 20)
    lines: Lines[Report] = Lines(Report)
    for _ in range(5):
        assert lines.feed(b"x" * (1 << 18)) == []
    assert lines.trouble == "its report is longer than 1 MiB"


def test_a_result_is_that_of_the_task() -> None:
    action = Action(fingerprint="f" * 64, identity="i", kind="k", outputs={"text": "0" * 64})
    assert checked(TASK, Finished("other", action, made=True)) == Finished("a", action, made=True)
    for wrong in (msgspec.structs.replace(action, fingerprint="0" * 64), msgspec.structs.replace(action, outputs={})):
        ended = checked(TASK, Finished("a", wrong, made=True))
        assert ended == Failed("a", "its report names the result of another step")


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_a_malformed_ending_in_a_pool_fails_its_step(tmp_path: Path, line: bytes) -> None:
    made = pool.create(tmp_path, Terms(Setting(root=tmp_path, home=tmp_path, logs=tmp_path), {}))
    made.put(TASK, Shape(1, 0, 1))
    ((errand,),) = (made.errands.values(),)
    (errand.folder / "taken.p").touch()
    (errand.folder / "progress.jsonl").write_bytes(line + b"\n" + PROGRESS + b"\n")
    (errand.folder / "ending.json").write_bytes(line)
    heard: list[Progress] = []
    ((_, ending),) = made.hear(heard.append)
    made.remove()
    assert isinstance(ending, Failed)
    assert ending.cause.startswith("its report can't be read: ")
    assert heard == [Progress("a", "epochs", 0.5)]


def test_progress_without_end_does_not_hide_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "LARGEST_REPORT", 1 << 10)
    monkeypatch.setattr(pool, "READ", 0.0)
    made = pool.create(tmp_path, Terms(Setting(root=tmp_path, home=tmp_path, logs=tmp_path), {}))
    made.put(TASK, Shape(1, 0, 1))
    ((errand,),) = (made.errands.values(),)
    (errand.folder / "taken.p").touch()
    (errand.folder / "progress.jsonl").write_bytes(b"x" * 5000 + b"\n" + PROGRESS + b"\n")
    heard: list[Progress] = []
    for _ in range(6):
        assert list(made.hear(heard.append)) == []
    made.remove()
    assert heard == [Progress("a", "epochs", 0.5)]


def test_a_worker_that_talks_nonsense_fails_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = [sys.executable, "-I", "-S", "-c", "print('nonsense')"]
    monkeypatch.setattr(child_process, "command", lambda *_: talk)
    worker = Worker(Setting(root=tmp_path, home=tmp_path, logs=tmp_path))
    worker.begin(TASK)
    (failed,) = worker.read() or ()
    worker.end()
    assert isinstance(failed, Failed)
    assert failed.cause.startswith("its report can't be read: ")


def test_a_session_that_talks_nonsense_fails_its_step_and_is_ended(tmp_path: Path) -> None:
    arrived = msgspec.json.encode(Arrived("1", "n1", {}, "")).decode()
    talk = (
        f"import sys; sys.stdin.readline(); print({arrived!r}, flush=True); "
        "sys.stdin.readline(); print('nonsense', flush=True); sys.stdin.read()"
    )
    terms = Terms(Setting(root=tmp_path, home=tmp_path, logs=tmp_path), {})
    session = Session([sys.executable, "-I", "-S", "-c", talk], os.environ, tmp_path / "errors", Shape(1, 0, 1), terms)

    def read() -> list[Said] | None:
        select.select([session.output], [], [], 30)
        return session.read()

    try:
        assert read() == [Arrived("1", "n1", {}, "")]
        session.begin(TASK)
        (failed,) = read() or ()
        assert isinstance(failed, Failed)
        assert failed.cause.startswith("its report can't be read: ")
        assert session.read() is None
        assert not session.alive()
    finally:
        session.end()


def test_what_a_node_says_was_printed_goes_to_the_log_of_its_step_alone(tmp_path: Path) -> None:
    setting = Setting(root=tmp_path, home=tmp_path, logs=tmp_path / "logs", shared=str(tmp_path / "shared"))
    with Store(tmp_path / "store").writing() as store:
        handover = Handover(setting, store)
        for _ in range(3):
            handover.print(TASK, Printed("../../outside", "x" * (2 << 20)))
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.log")] == ["logs/a.log"]
    assert (tmp_path / "logs" / "a.log").stat().st_size == 1 << 20
