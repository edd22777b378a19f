"""A worker process, as the process that started it sees it: it does one step after the other (``worker.py``)."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

import msgspec

from mlspec.engine import limits
from mlspec.engine.backend import Answer, Failed, Report, Setting, Task
from mlspec.engine.worker import Welcome
from mlspec.machine import child_process, processors, resources
from mlspec.machine.json_lines import Lines

READ = 1 << 16


class Worker:
    """A process, the threads of its data engine, and the step that it is doing. ``environment``: variables that it gets
    beside those of this process, ``handles``: files of this process that it holds open."""

    def __init__(
        self,
        setting: Setting,
        count: int = 1,
        environment: Mapping[str, str] | None = None,
        handles: Sequence[int] = (),
    ) -> None:
        self.task: Task | None = None
        self.threads = count
        self.began = 0.0
        self._lines = Lines[Report](Report)
        self._process = subprocess.Popen(
            child_process.command("mlspec.engine.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                **(environment or {}),
                **resources.threads(count),
                **(processors.portable() if setting.portable else {}),
            },
            pass_fds=handles,
            # A Ctrl-C at the terminal is for us to answer; and we can end a worker with all that it has started.
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self.output = self._process.stdin, self._process.stdout.fileno()
        self._send(Welcome(os.getpid(), setting))

    def begin(self, task: Task) -> None:
        """Hand it a step."""
        self.task, self.began = task, time.monotonic()
        self._send(task)

    def answer(self, answer: Answer) -> None:
        """Send its step what it has asked for."""
        self._send(answer)

    def alive(self) -> bool:
        """Whether it can still be handed a step."""
        return self._process.poll() is None

    def read(self) -> list[Report] | None:
        """What it reports, once there is something to read; None when it has died. What can't be read is a failure of
        no step, as where it can't work at all."""
        data = os.read(self.output, READ)
        if not data:
            return None
        found = self._lines.feed(data)
        return [*found, Failed("", self._lines.trouble)] if self._lines.trouble else found

    def held(self) -> int:
        """The bytes that it and all that it has started hold."""
        return limits.held(self._process.pid)

    def death(self) -> str:
        """Why it died, in words."""
        code = self._process.wait()
        if code >= 0:
            return f"its process ended with exit code {code}"
        name = signal.Signals(-code).name
        why = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
        return f"its process was killed by {name}{why}"

    def end(self) -> None:
        """Kill it and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _send(self, message: msgspec.Struct) -> None:
        # If it has died, reading from it fails.
        with contextlib.suppress(BrokenPipeError):
            self._input.write(msgspec.json.encode(message, enc_hook=os.fspath) + b"\n")
            self._input.flush()
