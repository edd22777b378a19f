"""A candidate that answers the same requests aside, in a process of its own."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from mlspec.serving import offers, open_inference, rows_of
from mlspec.serving.answering import Answering
from mlspec.serving.app import SHADOW, Log
from mlspec.serving.copies import HELD, Copy
from mlspec.serving.follow import Load
from mlspec.serving.offers import Does, Trial

NICE = 5


def run(home: Path, gets: socket.socket, *, load: Load, log: Log, max_rows: int, ended: Callable[[], bool]) -> None:
    """Answer copies by the candidate, where one is a shadow, until the parent is gone or ``ended``."""
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
            os.nice(NICE - os.nice(0))  # now that it is loaded
            _answer(copy, model, log, max_rows)


def _changed(
    home: Path, trial: Trial | None, model: Answering | None, load: Load
) -> tuple[Trial | None, Answering | None]:
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


def _answer(copy: Copy, model: Answering, log: Log, max_rows: int) -> None:
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
