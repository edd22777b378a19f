"""Processes of a training on another node than its step's, where nothing like `srun` starts them there.

A process of the engine's listens on that node. For each process that is to be there, the step's own node runs a command
that connects to it, proves that it knows a secret, and passes what is said both ways. Where either end is gone, so is
the process.
"""

import contextlib
import hmac
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from mlspec.machine import child_process, json_values, network, resources
from mlspec.machine.network import Endpoint
from mlspec.steps.training.member import MEMBER

# What a process has to know of its place among the others, as torchrun says it.
NAMES = (MEMBER, "RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
READ = 1 << 16
LARGEST_CALL = 1 << 14  # bytes of the first line
SECONDS = 10.0  # for the first line to arrive
HEAD = struct.Struct(">BI")
OUTPUT, ERRORS, ENDED = 1, 2, 3
LOST = 1  # the exit code of the command where the other end is gone


class Far(msgspec.Struct, frozen=True):
    """Where processes on other nodes are started, and the secret that all of these places know."""

    secret: str
    places: tuple[Endpoint, ...]


class Call(msgspec.Struct, frozen=True):
    """The first line of a connection; ``environment`` has ``NAMES`` and numbers of threads."""

    secret: str
    environment: dict[str, str]


class Listening:
    """Starts processes for those who know the secret, until it is closed. ``environment`` is that of the processes,
    which hold ``handles`` open."""

    def __init__(self, secret: str, environment: Mapping[str, str], handles: Sequence[int] = ()) -> None:
        self._secret, self._environment, self._handles = secret, environment, handles
        self._command = child_process.command("mlspec.steps.training.member")
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._socket = socket.create_server(("", 0))
        self.place = network.endpoint(self._socket.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Kill the processes, and start no more."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        self._socket.close()
        for process in running:
            _kill(process)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError):
            _keep_alive(connection)
            connection.settimeout(SECONDS)
            with connection.makefile("rb") as lines:
                call = json_values.decode(lines.readline(LARGEST_CALL), Call)
                known = {*NAMES, *resources.threads()}
                if (
                    not hmac.compare_digest(call.secret.encode(), self._secret.encode())
                    or call.environment.keys() - known
                ):
                    return
                connection.settimeout(None)
                self._run(call, connection, lines)

    def _run(self, call: Call, connection: socket.socket, lines: IO[bytes]) -> None:
        with self._lock:
            if self._closed:
                return
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**self._environment, **call.environment},
                pass_fds=self._handles,
                start_new_session=True,
            )
            self._running.add(process)
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        sending = threading.Lock()
        said = [(process.stdout, OUTPUT), (process.stderr, ERRORS)]
        pumps = [threading.Thread(target=_pass, args=(*one, connection, sending), daemon=True) for one in said]
        with process:
            for one in (*pumps, threading.Thread(target=_feed, args=(lines, process), daemon=True)):
                one.start()
            for pump in pumps:
                pump.join()
            code = process.wait()
        with self._lock:
            self._running.discard(process)
        _send(connection, ENDED, str(128 - code if code < 0 else code).encode(), sending)
        connection.shutdown(socket.SHUT_RDWR)


def command(file: Path, place: int) -> tuple[str, ...]:
    """What starts a process at one of the places that are in a file (``Far``)."""
    return tuple(child_process.command("mlspec.engine.relay", str(file), str(place)))


def main() -> None:
    """Pass on what is said both ways; end as the process there has ended."""
    far = json_values.read(Path(sys.argv[1]), Far)
    try:
        address, _ = network.reach(place := far.places[int(sys.argv[2])])
        connection = socket.create_connection((address, place.port))
        _keep_alive(connection)
        names = {*NAMES, *resources.threads()}
        call = Call(far.secret, {name: os.environ[name] for name in sorted(names) if name in os.environ})
        connection.sendall(msgspec.json.encode(call) + b"\n")
        threading.Thread(target=_forward, args=(connection,), daemon=True).start()
        code = _receive(connection)
    except OSError as error:
        print(error, file=sys.stderr)
        code = LOST
    # The other thread may be reading.
    sys.stderr.flush()
    os._exit(code)


def _receive(connection: socket.socket) -> int:
    """Write what comes from there; the exit code."""
    with connection.makefile("rb") as frames:
        while len(head := frames.read(HEAD.size)) == HEAD.size:
            kind, size = HEAD.unpack(head)
            data = frames.read(size) if size <= READ else b""
            if len(data) != size:
                break
            if kind == ENDED:
                return int(data) if data.isdigit() else LOST
            handle = 1 if kind == OUTPUT else 2
            while data:
                data = data[os.write(handle, data) :]
    return LOST


def _forward(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(0, READ):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def _feed(lines: IO[bytes], process: subprocess.Popen[bytes]) -> None:
    """What comes for a process; where nothing more can come, it is ended."""
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        while line := lines.readline(READ):
            process.stdin.write(line)
            process.stdin.flush()
    _kill(process)


def _pass(output: IO[bytes], kind: int, connection: socket.socket, sending: threading.Lock) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(output.fileno(), READ):
            _send(connection, kind, data, sending)


def _send(connection: socket.socket, kind: int, data: bytes, sending: threading.Lock) -> None:
    with sending:
        connection.sendall(HEAD.pack(kind, len(data)) + data)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _keep_alive(connection: socket.socket) -> None:
    """Notice within half a minute that the other machine is gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


if __name__ == "__main__":
    main()
