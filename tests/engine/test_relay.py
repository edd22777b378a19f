"""Processes of a training that are started for others over the network: for those who know the secret alone."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mlspec.engine import relay


@pytest.fixture(name="listening")
def listening_here() -> Iterator[relay.Listening]:
    listening = relay.Listening("secret", os.environ)
    yield listening
    listening.close()


def start(folder: Path, listening: relay.Listening, secret: str) -> subprocess.Popen[str]:
    file = folder / "places"
    file.write_bytes(msgspec.json.encode(relay.Far(secret, (listening.place,))))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(relay.command(file, 0), text=True, **pipes)


def children() -> set[int]:
    """The processes that this one has started."""
    return {int(one) for file in Path("/proc/self/task").glob("*/children") for one in file.read_text().split()}


def said(process: subprocess.Popen[str]) -> tuple[int, str]:
    """What comes of a line that is no task; the input stays open, as where its end would end the process."""
    assert process.stdin is not None
    assert process.stderr is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("nonsense\n")
        process.stdin.flush()
    return process.wait(60), process.stderr.read()


def test_a_process_is_heard_and_ends_as_it_does_there(tmp_path: Path, listening: relay.Listening) -> None:
    with start(tmp_path, listening, "secret") as process:
        code, errors = said(process)
    assert code == 1
    assert "msgspec.DecodeError: JSON is malformed" in errors


def test_a_process_that_is_killed_ends_the_command_as_in_a_shell(tmp_path: Path, listening: relay.Listening) -> None:
    with start(tmp_path, listening, "secret") as process:
        while not (others := children() - {process.pid}):
            assert process.poll() is None
        os.kill(others.pop(), signal.SIGKILL)
        assert process.wait(60) == 128 + signal.SIGKILL


def test_nothing_is_started_for_others(tmp_path: Path, listening: relay.Listening) -> None:
    with start(tmp_path, listening, "guess") as process:
        assert said(process) == (relay.LOST, "")
