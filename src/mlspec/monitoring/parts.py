"""Parts of a request log, read in a child process: what ends the data engine is an answer like any other."""

import io
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import polars as pl

from mlspec.machine import child_process, confined, json_values
from mlspec.monitoring.part import Reply, Request

CHILD = "mlspec.monitoring.part"
SECONDS = 120.0  # for a part
LINE = 1 << 20
MEMORY = 8 << 30  # of the child
MOST_ENDED = 20  # children that parts may end
ENDED = "it ends the data engine"


class Part(NamedTuple):
    """A part that was looked at: its table, or why there is none (empty where it was not needed)."""

    path: Path
    table: "pl.DataFrame | None"
    names: tuple[str, ...] = ()
    wrong: str = ""


def read(paths: Sequence[Path], columns: dict[str, str], memory: int = MEMORY) -> Iterator[Part]:
    """Each part, in their order; a child takes at most ``memory`` bytes."""
    left, ended = list(paths), 0
    while left:
        if ended > MOST_ENDED:
            yield from (Part(path, None, wrong="too many parts before it end the data engine") for path in left)
            return
        done = 0
        for part in _by_one_child(left, columns, memory):
            done += 1
            yield part
        ended += 1
        left = left[done:]


def _by_one_child(paths: Sequence[Path], columns: dict[str, str], memory: int) -> Iterator[Part]:
    """The first of these parts, up to the one that ends the child, or all."""
    process = subprocess.Popen(
        child_process.command(CHILD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=confined.environment(POLARS_MAX_THREADS="1"),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        request = Request(os.getpid(), tuple(str(path.absolute()) for path in paths), columns, memory)
        try:
            process.stdin.write(msgspec.json.encode(request))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has died, which the first reply shows
        for path in paths:
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            try:
                part = _reply(path, process.stdout)
            finally:
                timer.cancel()
            yield part
            if part.wrong == ENDED:
                return
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _reply(path: Path, stream: IO[bytes]) -> Part:
    try:
        reply = json_values.decode(stream.readline(LINE), Reply)
    except ValueError:
        return Part(path, None, wrong=ENDED)
    if reply.wrong or reply.skipped:
        return Part(path, None, wrong=reply.wrong)
    table = stream.read(reply.bytes)
    if len(table) < reply.bytes:
        return Part(path, None, wrong=ENDED)
    return Part(path, pl.read_ipc(io.BytesIO(table)), reply.names)
