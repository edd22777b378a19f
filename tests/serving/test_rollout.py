"""A candidate beside the model in service: who gets it, what it can't do, what ends it, and that it survives."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from mlspec.api import rollouts
from mlspec.diagnostics import SpecError, render
from mlspec.release import ledger, registry, rollout, trials
from mlspec.serving import copies
from mlspec.serving.app import Canary
from mlspec.serving.offers import Offer, Trial
from mlspec.serving.request_log import RequestLog
from mlspec.spec.operation.log import Log

from . import packages, registries
from .conftest import app_of, asked
from .test_server import Served, serve
from .test_stage import children

ROWS = packages.rows(40, seed=5)
OPERATION: dict[str, Any] = {
    "labels": {"source": "no.csv"},
    "monitor": {
        "service": {"errors": {"at_most": 0.2}},
        "quality": [{"metric": "accuracy", "at_least": 0.5}],
    },
    "rollout": {
        "guard": ["service", "quality"],
        "shadow": {"rows": 400},
        "canary": {"share": 0.5, "rows": 400},
    },
}


def trial(share: float | None = 0.05, key: str | None = None) -> Trial:
    return Trial(Offer("b" * 64, "1.1", "", ""), share, key)


def test_the_same_keys_go_to_the_candidate_and_so_many_as_stated() -> None:
    chosen = {key for key in map(str, range(20_000)) if trial().takes(key)}
    assert 900 < len(chosen) < 1100  # 1000, and more than three standard deviations around it
    assert {key for key in map(str, range(20_000)) if trial(0.1).takes(key)} > chosen
    assert not any(trial(None).takes(key) for key in map(str, range(100)))


class Failing:
    """What is wrong with a candidate: it answers nothing."""

    def __init__(self, of: Any) -> None:
        self.about, self.fields, self.name, self.digest, self.logged = of.about, of.fields, of.name, "c" * 64, of.logged

    def quick(self, rows: Any) -> Any:
        raise RuntimeError("Mrs Smith")


@pytest.mark.parametrize("field", [None, "town"])
def test_a_canary_answers_its_keys_alone(field: str | None, folder: Path, tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log", Log(), lambda _rows: None)
    app, other = app_of(folder, log=log), packages.write(tmp_path / "model", classes=3, abstain_below=0.9)
    candidate = app_of(other)._served.model
    app.serve(app._served.model, Canary(candidate, field, lambda key: key == "Bonn"))
    row = {**ROWS[0], "town": "Bonn"}
    headers = {"X-Rollout-Key": "Bonn" if field is None else "Köln"}
    types = {tensor["name"]: tensor["datatype"] for tensor in asked(app, "/v2/models/small").json["inputs"]}
    inputs = [{"name": name, "shape": [1], "datatype": types[name], "data": [row[name]]} for name in types]
    live = app._served.model.digest
    assert asked(app, "/predict", [row, ROWS[1]], headers).json["model"] == candidate.digest
    assert asked(app, "/v2/models/small/infer", {"inputs": inputs}, headers).json["model_version"] == candidate.digest
    other_key = ({**row, "town": "Ulm"}, {"X-Rollout-Key": "Ulm"})
    assert asked(app, "/predict", *other_key).json["model"] == live
    assert asked(app, "/predict", b"{", headers).status == 400
    app.close()
    table = pl.concat([pl.read_parquet(part) for part in (tmp_path / "log").glob("*/*.parquet")])
    roles = table.group_by("role", "status", "model").len().sort("role", "status").rows()
    assert roles == [("canary", "ok", candidate.digest, 3), ("live", "ok", live, 1), ("live", "refused", live, 1)]


def test_what_the_candidate_cannot_answer_the_model_in_service_does(folder: Path, tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log", Log(), lambda _rows: None)
    app = app_of(folder, log=log)
    live = app._served.model
    app.serve(live, Canary(Failing(live), None, lambda _key: True))  # type: ignore[arg-type]
    assert asked(app, "/predict", ROWS[0]).json["model"] == live.digest
    assert asked(app, "/predict", {}).status == 422  # neither can
    app.close()
    table = pl.concat([pl.read_parquet(part) for part in (tmp_path / "log").glob("*/*.parquet")])
    roles = table.group_by("role", "status").len().sort("role", "status").rows()
    assert roles == [("canary", "failed", 1), ("live", "ok", 1), ("live", "refused", 1)]


def said(call: Callable[[], object]) -> str:
    with pytest.raises(SpecError) as caught:
        call()
    return render(caught.value.diagnostics, {}).partition("\n  = see")[0]


def test_what_is_under_way_follows_from_the_ledger(tmp_path: Path) -> None:
    home = tmp_path / "registry"
    registries.make(home, {"rollout": OPERATION["rollout"]})

    def now() -> rollout.Rollout | None:
        return rollout.under_way(ledger.read(home).entries, "production")

    assert said(lambda: trials.start(home, "1.1", "staging", "ann")) == (
        "error[rollout-refused]: stage 'staging' has no bundle to compare with\n  = mlspec release promote 1.1 staging"
    )
    begun = trials.start(home, "1.1", "production", "ann")
    assert (now(), begun.phase, begun.version) == (begun, "shadow", "1.1")
    assert said(lambda: trials.start(home, "1.1", "production", "ann")).startswith(
        "error[rollout-refused]: '1.1' is under way in 'production'"
    )
    assert said(lambda: registry.promote(home, "1.1", "production", "ann")).startswith(
        "error[promotion-refused]: its rollout in 'production' has not passed yet"
    )
    assert trials.step(home, begun, "canary_started", "server", "held")
    assert not trials.step(home, begun, "rollout_stopped", "server", "too late: it is no longer a shadow")
    canary = now()
    assert canary is not None
    assert (canary.phase, canary.since > begun.since) == ("canary", True)
    assert trials.step(home, canary, "rollout_passed", "server", "held")
    passed = now()
    assert passed is not None
    assert (passed.phase, passed.trial, passed.since) == ("passed", "canary", canary.since)
    assert registry.promote(home, "1.1", "production", "ann").entry.evidence == {"rollout": "passed"}
    assert now() is None
    registry.rollback(home, "production", "ann")
    trials.start(home, "1.1", "production", "ann")
    assert trials.stop(home, "production", "ann").version == "1.1"
    assert said(lambda: trials.stop(home, "production", "ann")).startswith(
        "error[rollout-refused]: no rollout is under way in 'production'"
    )
    assert [entry.event for entry in ledger.read(home).entries if "rollout" in entry.event] == [
        "rollout_started", "rollout_passed", "rollout_started", "rollout_stopped",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["quality", "service"])
def test_a_guard_that_fails_ends_it_with_its_value_in_the_ledger(fails: str, tmp_path: Path) -> None:
    home, log = tmp_path / "registry", tmp_path / "log"
    plan = {**OPERATION["rollout"], "shadow": None}
    _first, _second = registries.make(home, {**OPERATION, "rollout": plan})
    begun = trials.start(home, "1.1", "production", "ann")
    folder = registry.folder_of(home, begun.bundle) / "package"
    app = app_of(folder, log=RequestLog(log, Log(), lambda _rows: None))
    model = app._served.model
    app.serve(
        model, Canary(model if fails == "quality" else _as(Failing(model), model.digest), None, lambda _key: True)
    )
    labels = []
    for number in range(60):
        answer = asked(app, "/predict", ROWS[:1], {"X-Request-Id": f"r{number}"}).json
        labels.append(
            {"request_id": f"r{number}", "answer": "x2" if answer["predictions"][0]["prediction"] != "x2" else "x1"}
        )
    app.close()
    pl.DataFrame(labels).write_csv(tmp_path / "labels.csv")
    looked = rollouts.advance(home, begun, log, tmp_path / "labels.csv", datetime.now(UTC), 0)
    assert looked == 1
    last = ledger.read(home).entries[-1]
    assert (last.event, last.version, last.stage, last.evidence) == (
        "rollout_stopped",
        "1.1",
        "production",
        {"rows": "60"},
    )
    assert last.who.startswith("mlspec serve, ")
    wanted = {
        "quality": "quality accuracy: 0, interval 0 to 0.09",
        "service": "service.errors failed requests: 60 of 60 requests",
    }
    assert last.reason.startswith(wanted[fails])


def _as(candidate: Failing, digest: str) -> Any:
    candidate.digest = digest
    return candidate


class Client:
    """Asks as so many keys in turn, and says what became of it: the predictions, as they were."""

    def __init__(self) -> None:
        self.models: dict[str, set[str]] = {}
        self.count = 0

    def ask(self, served: Served) -> None:
        self.count += 1
        key, request = f"key-{self.count % 20}", f"r{self.count}"
        headers = {"X-Rollout-Key": key, "X-Request-Id": request, "Content-Type": "application/json"}
        rows = packages.rows(100, seed=self.count)
        status, answer = served.post("/predict", json.dumps(rows).encode(), **headers)
        assert status == 200, answer
        self.models.setdefault(key, set()).add(answer["model"])
        labels = [
            {"request_id": request, "row": place, "label": one["prediction"]}
            for place, one in enumerate(answer["predictions"])
        ]
        assert served.post("/feedback", json.dumps(labels).encode()) == (200, {"accepted": 100})

    def seen(self) -> set[str]:
        return {model for own in self.models.values() for model in own}

    def until(self, served: Served, is_so: Callable[[], bool]) -> None:
        """Ask, and let the server work between, until something is so."""
        while not is_so():
            for _ in range(20):
                self.ask(served)
            for _ in range(60):
                if is_so():
                    return
                threading.Event().wait(0.25)


@pytest.mark.slow
def test_a_candidate_passes_as_a_shadow_and_as_a_canary_whatever_is_killed(tmp_path: Path) -> None:
    home, log, labels = tmp_path / "registry", tmp_path / "log", tmp_path / "labels"
    first, second = registries.make(home, OPERATION)
    arguments = ("production", "--registry", str(home), "--log", str(log), "--labels", str(labels), "--workers", "2")

    def events() -> list[str]:
        return [entry.event for entry in ledger.read(home).entries if entry.event.startswith(("roll", "can"))]

    client = Client()
    with serve(*arguments) as served:
        trials.start(home, "1.1", "production", "ann")
        client.until(served, lambda: "canary_started" in events())
        assert client.seen() <= {first, second}
        client.models.clear()
        client.until(served, lambda: client.seen() == {first, second})
        for process in (served.process.pid, *children(served)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    client.models.clear()
    with serve(*arguments) as served:
        client.until(served, lambda: client.seen() == {first, second})
        client.until(served, lambda: events()[-1] == "rollout_passed")
        client.models.clear()  # one that has passed keeps its keys, in every process by now
        for _ in range(60):
            client.ask(served)
        taken = {key for key, models in client.models.items() if second in models}
        assert all(len(models) == 1 for models in client.models.values())
        started = next(e for e in ledger.read(home).entries if e.event == "rollout_started")
        assert taken == {key for key in client.models if Trial(Offer(started.bundle, "", "", ""), 0.5).takes(key)}
        registry.promote(home, "1.1", "production", "ann")
        answer = served.post("/predict", json.dumps(ROWS).encode())[1]["model"]
        while answer != second:
            answer = served.post("/predict", json.dumps(ROWS).encode())[1]["model"]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(60) == 0
    assert events() == ["rollout_started", "canary_started", "rollout_passed"]
    moved = next(entry for entry in ledger.read(home).entries if entry.event == "canary_started")
    assert int(moved.evidence["rows"]) >= 400
    # Left out where the log of the model in service was not written yet.
    assert float(moved.evidence.get("same_answers", "1")) > 0.5


def test_a_shadow_gets_copies_and_holds_nobody_up(folder: Path) -> None:
    sends, gets = copies.pair(1.0)
    dropped: list[int] = []
    app = app_of(folder)
    app.serve(app._served.model, None, copies.sender(sends, lambda: dropped.append(1)))
    answer = asked(app, "/predict", ROWS, {"X-Request-Id": "a"})
    assert answer.json["model"] == app._served.model.digest
    copy = msgspec.msgpack.decode(gets.recv(copies.HELD), type=copies.Copy)
    assert (copy.id, copy.is_infer, json.loads(copy.body)) == ("a", False, ROWS)
    assert asked(app, "/predict", {}).status == 422  # nothing to compare with
    while len(dropped) < 3:  # nobody takes them: the queue is full
        assert asked(app, "/predict", ROWS[:1]).status == 200
    for one in (sends, gets):
        one.close()
    app.close()


def test_a_candidate_that_has_passed_is_promoted_where_the_spec_says_so(tmp_path: Path) -> None:
    home = tmp_path / "registry"
    registries.make(home, {"rollout": {**OPERATION["rollout"], "promote": "when_passed"}})
    begun = trials.start(home, "1.1", "production", "ann")
    trials.step(home, begun, "rollout_passed", "server", "held")
    passed = rollout.under_way(ledger.read(home).entries, "production")
    assert passed is not None
    rollouts.advance(home, passed, tmp_path / "log", None, datetime.now(UTC), 0)
    last = ledger.read(home).entries[-1]
    assert (last.event, last.version, last.evidence) == ("promoted", "1.1", {"rollout": "passed"})
    assert last.who.startswith("mlspec serve, ")
