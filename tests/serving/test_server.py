"""The command as a process: limits of one client, many slow ones, a drain that drops nothing, several processes."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlspec.api import serving
from mlspec.diagnostics import SpecError
from mlspec.serving import location, tokens

from . import packages

ROW = json.dumps(packages.rows(1, seed=5)[0]).encode()


class Served(NamedTuple):
    process: "subprocess.Popen[str]"
    host: str
    port: int
    line: str

    def connect(self) -> socket.socket:
        made = socket.create_connection((self.host, self.port), timeout=60)
        made.settimeout(60)
        return made

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.host}:{self.port}{path}", timeout=60) as reply:
            found: bytes = reply.read()
            return found

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
        request = urllib.request.Request(f"http://{self.host}:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@contextlib.contextmanager
def serve(*arguments: str) -> Iterator[Served]:
    """The command on a free port, from when it says that it answers."""
    command = [
        sys.executable,
        "-c",
        "import sys; from mlspec.cli import main; sys.exit(main())",
        "serve",
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)", line)
        assert found is not None, line + process.stderr.read()
        yield Served(process, found[1], int(found[2]), line)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


def head(length: int, path: str = "/predict") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % (path.encode(), length)


def all_of(connection: socket.socket) -> bytes:
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            found += piece
    return found


@pytest.mark.slow
def test_each_client_is_bounded_and_slow_ones_hold_nobody_up(folder: Path) -> None:
    limits = ("--timeout", "3s", "--max-body", "20kB", "--concurrency", "8")
    with serve(str(folder), *limits) as served, contextlib.ExitStack() as stack:
        assert "rows at once" in served.line
        slow = [stack.enter_context(served.connect()) for _ in range(500)]
        for number, connection in enumerate(slow):
            # Some send nothing, some half of the headers, some half of a body.
            connection.sendall((b"", head(len(ROW)), head(len(ROW)) + b"\r\n" + ROW[:9])[number % 3])
        assert served.post("/predict", ROW)[0] == 200
        answers = [all_of(connection) for connection in slow]
        assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}
        for sent, status in (
            (head(30_000) + b"\r\n", 413),
            (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"7000\r\n" + b"x" * 0x7000, 413),
            (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nA: " + b"b" * 40_000, 431),
            (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200, 431),
            (b"\x16\x03\x01 hello\r\n\r\n", 400),
        ):
            with served.connect() as connection:
                connection.sendall(sent)
                answer = all_of(connection)
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["message"]
        with served.connect() as connection:
            connection.sendall(head(len(ROW)) + b"Expect: 100-continue\r\n\r\n")
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(ROW + head(len(ROW)) + b"Connection: close\r\n\r\n" + ROW)
            assert all_of(connection).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_drops_nothing(workers: str, folder: Path) -> None:
    with serve(str(folder), "--workers", workers) as served:
        assert workers == "1" or "2 processes" in served.line
        outcomes: list[bool] = []
        first = threading.Barrier(5)

        def client() -> None:
            connection, count, closes = http.client.HTTPConnection(served.host, served.port, timeout=60), 0, False
            while not closes:
                connection.request("POST", "/predict", ROW)
                reply = connection.getresponse()
                outcomes.append(reply.status == 200 and len(json.loads(reply.read())["predictions"]) == 1)
                count, closes = count + 1, reply.getheader("Connection") == "close"
                if count == 20:
                    first.wait()
            connection.close()

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        first.wait()
        served.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert served.process.wait(60) == 0
        assert len(outcomes) >= 80
        assert all(outcomes)
        with pytest.raises(ConnectionRefusedError):
            served.connect()


@pytest.mark.slow
def test_a_process_that_dies_is_replaced(folder: Path) -> None:
    with serve(str(folder), "--workers", "2") as served:
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
        before = children.read_text().split()
        assert len(before) == 2
        os.kill(int(before[0]), signal.SIGKILL)
        while len(now := children.read_text().split()) < 2 or now == before:
            assert served.post("/predict", ROW)[0] == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0


# Supervisors of two processes that only wait; one is killed, and SIGTERM comes while another is started in its place.
DEATH_AND_END = """
import os, random, signal, sys
from mlspec.serving.server import supervise

def work(ready):
    ready()
    signal.pause()

rounds = random.Random(1)
for _ in range(int(sys.argv[1])):
    told, tell = os.pipe()
    supervisor = os.fork()
    if not supervisor:
        children = lambda: open(f"/proc/self/task/{os.getpid()}/children").read().encode()
        os._exit(supervise(work, 2, lambda: os.write(tell, children())))
    first = int(os.read(told, 100).split()[0])
    signal.alarm(30)
    os.kill(first, signal.SIGKILL)
    for _ in range(rounds.randrange(20_000)):
        pass
    os.kill(supervisor, signal.SIGTERM)
    assert os.waitpid(supervisor, 0)[1] == 0
    signal.alarm(0)
    os.close(told), os.close(tell)
"""


@pytest.mark.slow
def test_a_stop_reaches_a_process_that_is_just_being_started() -> None:
    subprocess.run([sys.executable, "-c", DEATH_AND_END, "100"], check=True)


def test_an_open_address_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tokens.VARIABLE, raising=False)
    with pytest.raises(SpecError) as caught:
        serving.serve(None, serving.Address("0.0.0.0", 0), limits={}, say=print)
    assert caught.value.diagnostics[0].code == "open-without-token"
    assert caught.value.diagnostics[0].message == (
        "0.0.0.0 can be reached from other machines, and no token is asked for"
    )
    (tmp_path / "tokens").write_text("short\n")
    with pytest.raises(SpecError) as caught:
        tokens.read(str(tmp_path / "tokens"))
    assert caught.value.diagnostics[0].message == (
        f"'{tmp_path / 'tokens'}' has no token, or one that is too easy to guess"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SpecError) as caught:
        serving.serve(None, serving.Address("127.0.0.1", taken.getsockname()[1]), limits={}, say=print)
    assert caught.value.diagnostics[0].message.endswith("can't be listened at: address already in use")


def test_the_limits_are_those_of_the_spec_beside_the_model(tmp_path: Path) -> None:
    run, bundle = tmp_path / "run", tmp_path / "bundle"
    (run / "model").mkdir(parents=True)
    (run / "resolved.yaml").write_text(
        "project: {name: birds}\noperation: {serve: {max_rows: 7, max_body: 2MB, timeout: 1s}}"
    )
    found = location.found(run / "model")
    assert (found.name, found.serve.max_rows, found.serve.max_body, found.serve.timeout) == ("birds", 7, 2_000_000, 1)
    (bundle / "package").mkdir(parents=True)
    (bundle / "bundle.json").write_text('{"name": "birds"}')
    (bundle / "spec.json").write_text('{"operation": {"serve": {"concurrency": 3, "timeout": 0.5}}}')
    found = location.found(bundle)
    assert (found.folder, found.serve.concurrency, found.serve.timeout) == (bundle / "package", 3, 0.5)
    assert location.found(tmp_path).name == "model"
    (bundle / "spec.json").write_text('{"operation": {"serve": {"concurrency": "many"}}}')
    with pytest.raises(SpecError) as caught:
        location.found(bundle)
    assert caught.value.diagnostics[0].message == (
        f"what '{bundle}' says of its service can't be read: Expected `int`, got `str` - at `$.concurrency`"
    )
