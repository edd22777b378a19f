"""Requests of one row to a server, over connections that are kept open: CPU time of the server, times, memory."""

import contextlib
import http.client
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Load(NamedTuple):
    """CPU ms of the server a request, requests a second, and the time within which 99 % of them had an answer."""

    cpu: float
    rate: float
    p99: float


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str], port: int, body: bytes, path: str, **environment: str) -> Iterator[int]:
    """A server from when it answers, by its process."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                status = ask(connection := http.client.HTTPConnection("127.0.0.1", port, timeout=60), body, path)
                connection.close()
                if status == 200:
                    break
            except OSError:
                pass
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {process.returncode}")
            time.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def ask(connection: http.client.HTTPConnection, body: bytes, path: str) -> int:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    return reply.status


def processes(root: int) -> list[int]:
    """A process and all below it."""
    found = [root]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu(root: int) -> float:
    """CPU seconds of a process and all below it."""
    total = 0
    for one in processes(root):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def memory(root: int) -> float:
    """MB of a process and all below it, what is shared counted once."""
    total = 0
    for one in processes(root):
        lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1000


def measure(root: int, port: int, bodies: Sequence[bytes], path: str, connections: int, count: int) -> Load:
    """``count`` requests over so many connections."""
    taken: list[float] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for at in range(number, count, connections):
            before = time.perf_counter()
            status = ask(connection, bodies[at % len(bodies)], path)
            taken.append(time.perf_counter() - before)
            assert status == 200, status
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(connections)]
    began, before = time.perf_counter(), cpu(root)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    taken.sort()
    return Load(1000 * (cpu(root) - before) / count, count / seconds, 1000 * taken[int(0.99 * len(taken))])
