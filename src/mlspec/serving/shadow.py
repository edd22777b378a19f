"""A candidate that answers the same requests aside, in a process of its own: nobody waits for it.

Requests come through a socket of datagrams that holds so many and no more: what the shadow is too slow for is dropped
and counted.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from mlspec.serving import offers, open_inference, rows_of
from mlspec.serving.app import SHADOW, Asked, Log
from mlspec.serving.follow import EVERY, Load
from mlspec.serving.model import Model
from mlspec.serving.offers import Does, Trial

NICE = 10
HELD = 1 << 20  # bytes of requests that wait, as far as the kernel allows


class Copy(msgspec.Struct, frozen=True, array_like=True):
    """A request that was answered: which it was, and its body."""

    id: str
    is_infer: bool
    body: bytes


def pair() -> tuple[socket.socket, socket.socket]:
    """Where copies are sent, and where they arrive."""
    sends, gets = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        sends.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)
    sends.setblocking(False)
    gets.settimeout(EVERY)
    return sends, gets


def sender(sends: socket.socket, dropped: Callable[[], None]) -> Callable[[Asked], None]:
    """What sends a copy of a request, or drops it."""
    encoder = msgspec.msgpack.Encoder()

    def send(asked: Asked) -> None:
        try:
            sends.send(encoder.encode(Copy(asked.id, asked.is_infer, asked.body)))
        except OSError:  # the queue is full, or the request is too long for it
            dropped()

    return send


def run(home: Path, gets: socket.socket, *, load: Load, log: Log, max_rows: int, ended: Callable[[], bool]) -> None:
    """Answer copies by the candidate, where one is a shadow, until the parent is gone or ``ended``."""
    os.nice(NICE)
    parent, seen, trial, model = os.getppid(), (0, 0), None, None
    while os.getppid() == parent and not ended():
        with contextlib.suppress(OSError, ValueError):
            if (mark := offers.mark(home)) != seen:
                seen = mark
                trial, model = _changed(home, trial, model, load)
        try:
            copy = msgspec.msgpack.decode(gets.recv(HELD), type=Copy)
        except (TimeoutError, msgspec.MsgspecError):
            continue
        if model is not None:
            _answer(copy, model, log, max_rows)


def _changed(home: Path, trial: Trial | None, model: Model | None, load: Load) -> tuple[Trial | None, Model | None]:
    wanted = offers.wanted(home).trial
    if wanted == trial:
        return trial, model
    wrong, loaded = "", None
    if wanted is not None and wanted.share is None:
        try:
            loaded = load(wanted.offer)
        except BaseException as error:  # whatever a library raises
            wrong = f"{type(error).__name__}: {error}"
    offers.say(home, Does("", "" if wanted is None or loaded is None else wanted.offer.bundle, wrong))
    return wanted, loaded


def _answer(copy: Copy, model: Model, log: Log, max_rows: int) -> None:
    began = time.perf_counter()
    try:
        if copy.is_infer:
            rows = open_inference.asked(copy.body, model, max_rows)[0]
        else:
            rows = rows_of.of_objects(copy.body, max_rows)
        answers = model.quick(rows) or model.slow(rows)
    except BaseException:  # the model in service has answered it: that this one can't is its own fault
        log.failed(model, SHADOW, copy.id, time.perf_counter() - began, "failed")
    else:
        log.answered(model, SHADOW, copy.id, time.perf_counter() - began, answers)
