"""A session: a process that does steps without the driver's folders (``engine/apart.py``), and what it says."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from mlspec.diagnostics import printable
from mlspec.engine import apart
from mlspec.engine.apart import Said
from mlspec.engine.backend import Failed, Task
from mlspec.engine.pool import Shape, Terms
from mlspec.machine.json_lines import Lines

READ = 1 << 20
LARGEST_COMPLAINT = 4096  # bytes of what it prints that are read
ENDING = 30.0  # seconds that it may take to end


class Session:
    """From its start to its end. ``command`` starts it, perhaps on another machine. ``task`` is what it does, ``node``
    empty until it has started; ``since`` is when it began or ended that; ``retired``: it gets no more."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], errors: Path, shape: Shape, terms: Terms
    ) -> None:
        self.shape = shape
        self.task: Task | None = None
        self.job = self.node = ""
        self.retired = False
        self.since = self._beaten = time.monotonic()
        self._errors, self._lines, self._broken = errors.open("w+b"), Lines[Said](Said), False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            # A Ctrl-C at the terminal is for us to answer.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self.output = self._process.stdin, self._process.stdout.fileno()
        os.set_blocking(self.output, False)
        self._send(msgspec.json.encode(terms, enc_hook=os.fspath))

    def begin(self, task: Task) -> None:
        """Hand it a step; it has started and does nothing."""
        self.task, self.since = task, time.monotonic()
        self._send(msgspec.json.encode(task))

    def end_task(self) -> None:
        """It has reported the ending of its step."""
        self.task, self.since = None, time.monotonic()

    def read(self) -> list[Said] | None:
        """What it has reported since the last time; None when it has ended. What can't be read ends it: its step fails,
        if it has one."""
        if self.node and time.monotonic() - self._beaten > apart.BEAT:
            self._beaten = time.monotonic()
            self._send(b"")
        if self._broken:
            return None
        found: list[Said] = []
        while True:
            try:
                data = os.read(self.output, READ)
            except BlockingIOError:
                return found
            if not data:
                return found or None
            found += self._lines.feed(data)
            if self._lines.trouble:
                self._broken = self.retired = True
                return [*found, Failed("", self._lines.trouble)] if self.task is not None else found

    def alive(self) -> bool:
        """Whether it can still be handed a step."""
        return not self.retired and self._process.poll() is None

    def complaint(self) -> str:
        """The last line that it has printed, or why it can't be read."""
        if self._lines.trouble:
            return self._lines.trouble
        if self._errors.closed:
            return ""
        size = os.fstat(self._errors.fileno()).st_size
        text = os.pread(self._errors.fileno(), LARGEST_COMPLAINT, max(0, size - LARGEST_COMPLAINT)).decode(
            "utf-8", "replace"
        )
        lines = [line for line in text.splitlines() if line.strip()]
        return printable(" ".join(lines[-1].split()))[:300] if lines else ""

    def close(self) -> None:
        """Let it end by itself: nothing more comes."""
        self.retired = True
        with contextlib.suppress(OSError):
            self._input.close()

    def end(self) -> None:
        """End it with all that it does, or what is left of it where it has ended."""
        self.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def _send(self, line: bytes) -> None:
        # If it has ended, reading from it says so.
        with contextlib.suppress(OSError, ValueError):
            self._input.write(line + b"\n")
            self._input.flush()
