"""Processes that answer at one address: started together, replaced when they die, ended without losing a request."""

import asyncio
import contextlib
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from mlspec.serving.guard import Bounds, Guarded

QUIET = 0.5  # seconds in which a connection that is kept open may bring one more request before it is closed
ENDS = (signal.SIGTERM, signal.SIGINT)
MOST_DEATHS, WITHIN = 5, 60.0  # of processes, each: more of them, in so many seconds, end the service


class _Server(uvicorn.Server):
    """A server that drains: every request that has come is answered, each answer the last of its connection."""

    def __init__(self, config: uvicorn.Config, protocol: type[Guarded], draining: Callable[[], None]) -> None:
        super().__init__(config)
        self._protocol, self._draining = protocol, draining

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end it; a second SIGINT at once."""
        before = {number: signal.signal(number, self.handle_exit) for number in ENDS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Accept what waits at the address, close it, answer what has come, and close the connections."""
        self._draining()
        self._protocol.draining = True
        for _ in range(3):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        connections, clock = self.server_state.connections, asyncio.get_running_loop().time
        await self._wait(connections, clock() + QUIET)
        for connection in list(connections):
            connection.shutdown()
        await self._wait(connections, clock() + 2 * self._protocol.bounds.timeout)
        for connection in list(connections):
            connection.transport.abort()
        await self.lifespan.shutdown()

    async def _wait(self, connections: Any, until: float) -> None:
        clock = asyncio.get_running_loop().time
        while connections and clock() < until and not self.force_exit:
            await asyncio.sleep(0.01)


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address. Raises OSError."""
    family, kind, proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, proto)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
        made.listen(1024)
    except OSError:
        made.close()
        raise
    return made


def run(app: Any, bounds: Bounds, listener: socket.socket, *, draining: Callable[[], None]) -> None:
    """Answer until SIGTERM or SIGINT, in this process."""
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # it shows what requests hold
    protocol = type("Bounded", (Guarded,), {"bounds": bounds})
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=max(1, round(bounds.timeout)),
    )
    _Server(config, protocol, draining).run(sockets=[listener])


def supervise(work: Callable[[Callable[[], None]], int], count: int, ready: Callable[[], None]) -> int:
    """Run ``work`` in so many processes, which call what they are given once they answer; those that die later are
    replaced. ``ready``: all answer. Returns the exit code: that of the first that could not start, else 0."""
    begun: set[int] = set()
    deaths: list[float] = []
    pipe, told = os.pipe()
    ending = False

    def end(_number: int, _frame: Any) -> None:
        nonlocal ending
        ending = True
        for process in begun:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)

    def answers() -> None:
        os.write(told, b"1")

    def start() -> None:
        # A signal between the fork and the record of its process would never reach that process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        if not ending:
            if process := os.fork():
                begun.add(process)
            else:
                child(mask)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def child(mask: "set[signal.Signals | int]") -> None:
        code = 1
        try:
            for number in ENDS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            code = work(answers)
        finally:
            os._exit(code)

    for number in ENDS:
        signal.signal(number, end)
    for _ in range(count):
        start()
    answering, failed = 0, 0
    while begun:
        if answering < count and not ending and select.select([pipe], [], [], 0.05)[0]:
            answering += len(os.read(pipe, count))
            if answering == count:
                ready()
        process, status = os.waitpid(-1, os.WNOHANG if answering < count and not ending else 0)
        if not process:
            continue
        begun.discard(process)
        code, now = os.waitstatus_to_exitcode(status), time.monotonic()
        deaths = [*(one for one in deaths if now - one < WITHIN), now]
        if ending:
            continue
        if answering < count or len(deaths) > MOST_DEATHS * count:
            failed = code if code > 0 else 1
            end(0, None)
        else:
            start()
    return failed
