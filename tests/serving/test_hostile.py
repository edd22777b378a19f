"""Requests that nobody should send: whatever comes, the answer is JSON, and no status of 500 or above but 503.

``MLSPEC_HOSTILE`` says how many are sent; each is made from its number alone, so that one that fails can be sent again.
"""

import json
import os
import random
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from . import packages
from .test_server import Served, serve

CONNECTIONS = 16
COUNT = int(os.environ.get("MLSPEC_HOSTILE", "4000"))
PATHS = ("/predict", "/v2/models/small/infer", "/feedback")
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, 2**63, "", "x", "\u0000", "\ud800", "é" * 300, [], {}, [[]], {"a": {"b": []}},
    "2024-02-30", "NaN", "1e999", "'; DROP TABLE", [None] * 40, {"": None}, "x0", -0.0,
)  # fmt: skip
TOKENS = (b"NaN", b"Infinity", b"1e999", b"-", b"[[[[", b"}}", b'"\\ud800"', b"\xff\xfe", b"\x00", b'"a":1,"a":2', b",")


def valid(dice: random.Random) -> tuple[str, Any]:
    path = dice.choice(PATHS)
    rows = packages.rows(dice.choice((1, 1, 1, 2, 40)), seed=dice.randrange(50))
    if path == "/predict":
        return path, rows[0] if dice.random() < 0.5 else rows
    if path == "/feedback":
        return path, {"request_id": f"r{dice.randrange(9)}", "row": 0, "label": dice.choice(("x0", "x1"))}
    inputs = [
        {"name": name, "shape": [len(rows)], "datatype": dice.choice(("BYTES", "FP64", "INT64", "BOOL")),
         "data": [row[name] for row in rows]}
        for name in packages.KINDS
    ]  # fmt: skip
    return path, {"id": "7", "inputs": inputs}


def changed(value: Any, dice: random.Random) -> Any:
    """The value with something else somewhere in it."""
    if dice.random() < 0.3 or not isinstance(value, dict | list) or not value:
        return dice.choice(ODD)
    if isinstance(value, dict):
        made, key = dict(value), dice.choice(list(value))
        if dice.random() < 0.2:
            del made[key]
        elif dice.random() < 0.2:
            made[str(dice.choice(ODD))[:50]] = dice.choice(ODD)
        else:
            made[key] = changed(made[key], dice)
        return made
    place = dice.randrange(len(value))
    return [*value[:place], changed(value[place], dice), *value[place + 1 :]]


def broken(body: bytes, dice: random.Random) -> bytes:
    """The text with some bytes of it elsewhere, gone, or replaced."""
    for _ in range(dice.randrange(1, 4)):
        start = dice.randrange(len(body) + 1)
        end = min(len(body), start + dice.choice((0, 1, 5, 50)))
        put = dice.choice((b"", dice.choice(TOKENS), dice.randbytes(3), body[start:end] * 2))
        body = body[:start] + put + body[end:]
    return body


def request(number: int) -> bytes:
    """A request of HTTP: valid, and then changed in its value, its text, its head, or in any byte."""
    dice = random.Random(number)
    path, value = valid(dice)
    method, kind = "POST", dice.random()
    if kind < 0.5:
        for _ in range(dice.randrange(1, 4)):
            value = changed(value, dice)
    body = json.dumps(value).encode()
    if 0.4 < kind < 0.75:
        body = broken(body, dice)
    headers = {"Host": "x", "Content-Type": "application/json"}
    if kind > 0.7:
        path = dice.choice(
            (path, "/", "/metrics", "/v2", "/openapi.json", "/%00", "/predict?a=b", "/v2/models/x/infer")
        )
        method = dice.choice((method, "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"))
        name = dice.choice(("X-Request-Id", "Authorization", "Content-Type", "X-Rollout-Key", "Expect", "Cookie"))
        headers[name] = dice.choice(("", "a", "x" * 500, "é", "100-continue", "text/xml", "Bearer \t", "gzip"))
    if dice.random() < 0.1:
        headers["Transfer-Encoding"] = "chunked"
        cut = dice.randrange(len(body) + 1)
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        headers["Content-Length"] = str(len(body))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    whole = head.encode() + b"\r\n" + body
    return broken(whole, dice) if dice.random() < 0.05 else whole


class Connection:
    """Sends one request after the other, over a new connection where the last was closed."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._open = served.connect()

    def close(self) -> None:
        self._open.close()

    def send(self, sent: bytes) -> tuple[int, bytes, bytes] | None:
        """Status, type and body of the answer; None where the connection was closed without one."""
        try:
            self._open.sendall(sent)
            status, headers, body = self._answer(has_body=not sent.startswith(b"HEAD"))
        except OSError:
            status, headers, body = 0, {}, b""
        if not status or headers.get(b"connection") == b"close":
            self._open.close()
            self._open = self._served.connect()
        return (status, headers[b"content-type"], body) if status else None

    def _answer(self, *, has_body: bool) -> tuple[int, dict[bytes, bytes], bytes]:
        got = b"HTTP/1.1 100"
        while got.startswith(b"HTTP/1.1 100"):
            got = got.partition(b"\r\n\r\n")[2]
            while b"\r\n\r\n" not in got:
                if not (piece := self._open.recv(65536)):
                    return 0, {}, b""
                got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        while has_body and len(body) < int(headers[b"content-length"]):
            if not (piece := self._open.recv(65536)):
                raise AssertionError(f"half of an answer: {got!r}")
            body += piece
        return int(first.split()[1]), headers, body


def no_json(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


@pytest.mark.slow
def test_hostile_requests_get_an_answer_that_can_be_read(folder: Path, tmp_path: Path) -> None:
    statuses: Counter[int] = Counter()
    wrong: list[object] = []

    def play(served: Served, first: int) -> None:
        connection = Connection(served)
        for number in range(first, COUNT, CONNECTIONS):
            sent = request(number)
            status, kind, body = connection.send(sent) or (0, b"", b"")
            statuses[status] += 1
            try:
                assert status < 500 or status == 503
                assert b"Traceback" not in body
                if kind == b"application/json" and not sent.startswith(b"HEAD"):
                    json.loads(body, parse_constant=no_json)
            except (AssertionError, ValueError) as error:
                wrong.append((number, status, body[:300], error))
        connection.close()

    packages.write(tmp_path / "run" / "model", classes=3)
    (tmp_path / "run" / "resolved.yaml").write_text("project: {name: small}\n")
    limits = ("--timeout", "2s", "--max-body", "100kB", "--labels", str(tmp_path / "labels"))
    with serve(str(tmp_path / "run" / "model"), *limits) as served:
        threads = [threading.Thread(target=play, args=(served, first)) for first in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(dict(sorted(statuses.items())))
        assert wrong == []
        assert statuses.total() == COUNT
        assert statuses[200] > COUNT // 20
        assert served.post("/predict", json.dumps(packages.rows(1, seed=5)[0]).encode())[0] == 200
        served.process.terminate()
        assert served.process.wait(60) == 0


@pytest.mark.slow
def test_the_openapi_document_is_what_the_service_does(folder: Path, tmp_path: Path) -> None:
    tool = os.environ.get("MLSPEC_TEST_SCHEMATHESIS")
    if tool is None:
        pytest.skip("schemathesis is not installed: MLSPEC_TEST_SCHEMATHESIS names the command")
    with serve(str(folder), "--labels", str(tmp_path / "labels")) as served:
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        address = f"http://{served.host}:{served.port}/openapi.json"
        command = [
            tool,
            "run",
            address,
            "--checks",
            checks,
            "--max-examples",
            "60",
            "--seed",
            "1",
            "--phases",
            "fuzzing,coverage",
        ]
        found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
        assert found.returncode == 0, found.stdout[-8000:]
