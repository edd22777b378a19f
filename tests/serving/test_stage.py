"""A stage as a service: it follows the ledger without a lost request, whatever dies or is damaged meanwhile."""

import contextlib
import http.client
import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlspec.release import ledger, registry

from . import packages, registries
from .test_server import Served, serve

ROW = json.dumps(packages.rows(1, seed=5)[0]).encode()


def line(served: Served, *wanted: str) -> str:
    """The next line of the server that has all of these words."""
    assert served.process.stderr is not None
    for text in served.process.stderr:
        if all(word in text for word in wanted):
            return text
    raise AssertionError(f"the server has ended without a line with {wanted}")


def children(served: Served) -> list[int]:
    return [
        int(pid) for pid in Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
    ]


class Clients:
    """Connections that ask all the time; their answers, in order."""

    def __init__(self, served: Served, count: int) -> None:
        self.answers: list[list[tuple[int, str]]] = [[] for _ in range(count)]
        self._served, self._ended = served, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._served.host, self._served.port, timeout=60)
        while not self._ended.is_set():
            connection.request("POST", "/predict", ROW)
            reply = connection.getresponse()
            self.answers[number].append((reply.status, json.loads(reply.read()).get("model", "")))
        connection.close()

    def models(self) -> list[str]:
        """Which models answered what is asked from now on, by three answers of each connection."""
        before = [len(own) for own in self.answers]
        while any(len(own) < start + 4 for own, start in zip(self.answers, before, strict=True)):
            self._ended.wait(0.01)
        return [
            model for own, start in zip(self.answers, before, strict=True) for _, model in own[start + 1 : start + 4]
        ]


@contextlib.contextmanager
def asking(served: Served, count: int) -> Iterator[Clients]:
    clients = Clients(served, count)
    for thread in clients._threads:
        thread.start()
    try:
        yield clients
    finally:
        clients._ended.set()
        for thread in clients._threads:
            thread.join()


@pytest.mark.slow
def test_a_promotion_and_a_rollback_lose_no_request(tmp_path: Path) -> None:
    home = tmp_path / "registry"
    first, second = registries.make(home)
    with serve("production", "--registry", str(home), "--workers", "2") as served, asking(served, 2) as clients:
        assert "stage 'production', 2 processes" in served.line
        assert set(clients.models()) == {first}
        for turn in range(6):
            if turn % 2:
                registry.rollback(home, "production", "test")
            else:
                registry.promote(home, "1.1", "production", "test")
            line(served, "production: now serving", ("1.1", "1.0")[turn % 2])
            assert set(clients.models()) == {(second, first)[turn % 2]}
    answers = [answer for own in clients.answers for answer in own]
    assert {status for status, _ in answers} == {200}
    assert {model for _, model in answers} == {first, second}


@pytest.mark.slow
def test_what_is_damaged_leaves_the_model_in_service(tmp_path: Path) -> None:
    home = tmp_path / "registry"
    first, second = registries.make(home)
    with serve("production", "--registry", str(home)) as served:
        whole = (home / "ledger.jsonl").read_bytes()
        (home / "copy").write_bytes(whole.replace(b'"1.1"', b'"1.2"'))
        (home / "copy").rename(home / "ledger.jsonl")
        assert "is damaged" in line(served, "1.0 stays in service")
        assert served.post("/predict", ROW)[1]["model"] == first
        (home / "ledger.jsonl").write_bytes(whole)
        known = ledger.read(home)
        bundle = next(entry.bundle for entry in known.entries if entry.version == "1.1")
        state = registry.folder_of(home, bundle) / "package" / "state.json"
        text = state.read_bytes()
        promoted = ledger.Entry(
            event="promoted", project="small", version="1.1", bundle=bundle, who="test", stage="production"
        )
        state.write_bytes(text.replace(b"1", b"2", 1))
        with ledger.writing(home) as known:
            ledger.append(home, known, promoted)
        assert "'package/state.json' is not the file that was released" in line(served, "1.0 stays in service")
        assert served.post("/predict", ROW)[1]["model"] == first
        metrics = b""
        while b"mlspec_stage_unusable 1.0" not in metrics:
            connection = http.client.HTTPConnection(served.host, served.port, timeout=60)
            connection.request("GET", "/metrics")
            metrics = connection.getresponse().read()
            connection.close()
        state.write_bytes(text)  # it is looked at again by itself
        line(served, "now serving 1.1")
        assert served.post("/predict", ROW)[1]["model"] == second


@pytest.mark.slow
def test_any_process_may_be_killed_during_a_swap(tmp_path: Path) -> None:
    home, dice = tmp_path / "registry", random.Random(1)
    first, second = registries.make(home)
    with serve("production", "--registry", str(home), "--workers", "2") as served:
        for turn in range(4):
            if turn % 2:
                registry.rollback(home, "production", "test")
            else:
                registry.promote(home, "1.1", "production", "test")
            os.kill(dice.choice(children(served)), signal.SIGKILL)
            wanted, streak = (second, first)[turn % 2], 0
            while streak < 20:
                with contextlib.suppress(OSError):  # the connection of a process that was killed
                    status, answer = served.post("/predict", ROW)
                    assert status == 200
                    assert answer["model"] in (first, second)
                    streak = streak + 1 if answer["model"] == wanted else 0
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0
