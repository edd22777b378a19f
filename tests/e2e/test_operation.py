"""From a run to a service and back: release, serve, monitor, a shift, late labels, train again, promote, roll back."""

import contextlib
import csv
import gzip
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest
from tests import hardware
from tests.e2e.conftest import call

from mlspec import api
from mlspec.monitoring import unfinished
from mlspec.release import bundle, ledger, registry
from mlspec.testing import faults

SPEC = """\
project: {name: adult}
constraints: {quality: [{metric: roc_auc, at_least: 0.8}]}
data:
  sources: {people: {path: data/*.csv}}
  columns: {target: income, positive: ">50K", drop: [fnlwgt]}
model:
  candidates: {boost: {type: lightgbm, trees: 40, learning_rate: 0.2}}
evaluation: {metrics: [roc_auc], importance: false, confidence: {resamples: 200}}
operation:
  release: {stages: [production]}
  labels: {source: outcomes.csv, within: 1h}
  monitor:
    window: {rows: 2000, at_most: 1d}
    drift: {psi: {at_most: 0.1}}
    service: {errors: {at_most: 0.01}}
    quality: [{metric: roc_auc, at_least: 0.8}]
  retrain: {when: {quality: true}, source: people, promote: gates_and_not_worse}
"""
ROOT = Path(__file__).parents[2]
POINTS = int(os.environ.get("MLSPEC_POINTS", "3"))  # that are tried; all: MLSPEC_POINTS=1000
CLI = "import os, sys; os.chdir(sys.argv.pop(1)); from mlspec.cli import main; sys.exit(main())"
Row = dict[str, str]


def adult() -> list[Row]:
    """The people of the example, as its file has them."""
    with gzip.open(ROOT / "specs/adult-income/data/train.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


def turned(row: Row) -> Row:
    """Hours are stated in minutes, which columns show; who earns much has turned round, which only labels show."""
    other = {">50K": "<=50K", "<=50K": ">50K"}[row["income"]]
    return {**row, "hours_per_week": str(60 * int(row["hours_per_week"])), "income": other}


@contextlib.contextmanager
def served(bundle: Path, log: Path) -> Iterator[http.client.HTTPConnection]:
    """A connection to the command that serves a bundle; ended by SIGTERM, it must end well."""
    program = "import sys; from mlspec.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", str(bundle), "--port", "0", "--log", str(log)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    server: http.client.HTTPConnection | None = None
    try:
        lines = iter(process.stdout)
        found = next(match for line in lines if (match := re.search(r"http://127\.0\.0\.1:(\d+)", line)))
        server = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        yield server
    finally:
        if server is not None:
            server.close()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said


def asked(server: http.client.HTTPConnection, rows: list[Row], word: str) -> str:
    """One request for each row; the true outcomes as lines of labels."""
    numbers = ("age", "education_num", "capital_gain", "capital_loss", "hours_per_week")
    for at, row in enumerate(rows):
        asking = {name: int(value) if name in numbers else value or None for name, value in row.items()}
        body = json.dumps({name: value for name, value in asking.items() if name not in ("fnlwgt", "income")})
        server.request("POST", "/predict", body, {"Content-Type": "application/json", "X-Request-Id": f"{word}-{at}"})
        reply = server.getresponse()
        answer = reply.read()
        assert reply.status == 200, answer
    return "".join(f"{word}-{at},{row['income']}\n" for at, row in enumerate(rows))


def failing(monitored: CompletedProcess[str]) -> set[tuple[str, str]]:
    found = json.loads(monitored.stdout)
    judged = [*found["window"]["findings"], *(found["quality"] or {"findings": []})["findings"]]
    return {(one["monitor"], one["subject"]) for one in judged if one["verdict"] == "fail"}


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def committed(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a model")


class Service(NamedTuple):
    """A project whose model is in service and has gone wrong: its log, its labels, and a time when these are due."""

    root: Path
    log: Path
    labels: Path
    now: str

    def bundle(self) -> Path:
        return registry.staged(self.root / "mlspec.registry", "production")

    def events(self) -> list[str]:
        return [f"{entry.event} {entry.version}" for entry in ledger.read(self.root / "mlspec.registry").entries]

    def retrain(self) -> list[str]:
        return ["retrain", str(self.log), str(self.labels), "--now", self.now, "--unsigned"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """adult is trained, released, promoted and served; 10,000 people ask, for the later half of whom all has turned."""
    folder = tmp_path_factory.mktemp("service")
    made = Service(folder / "adult", folder / "log", folder / "outcomes.csv", "")
    root, people = made.root, adult()
    (root / "data").mkdir(parents=True)
    (root / "project.yaml").write_text(SPEC)
    with (root / "data" / "people.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, people[0])
        rows.writeheader()
        rows.writerows(people[:4000])
    call("run", cwd=root)
    git(root, "init", "-q")
    committed(root)
    call("release", "--unsigned", "--version", "1.0", cwd=root)
    call("release", "promote", "1.0", "production", cwd=root)
    calm, late = people[6000:11000], [turned(row) for row in people[11000:16000]]
    about = (str(made.log), "--package", str(made.bundle()), "--format", "json")
    with served(made.bundle(), made.log) as server:
        labels = asked(server, calm, "calm")
    made.labels.write_text("request_id,income\n" + labels)
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    assert failing(call("monitor", *about, str(made.labels), "--now", later, cwd=root)) == set()
    assert "No reason" in call("retrain", str(made.log), str(made.labels), "--unsigned", cwd=root).stdout
    with served(made.bundle(), made.log) as server:
        labels += asked(server, late, "late")
    # The columns show that hours have changed; only labels show that the model is wrong.
    assert failing(call("monitor", *about, cwd=root, code=1)) == {("drift.psi", "hours_per_week")}
    made.labels.write_text("request_id,income\n" + labels)
    made = made._replace(now=(datetime.now(UTC) + timedelta(hours=2)).isoformat())
    loud = failing(call("monitor", *about, str(made.labels), "--now", made.now, cwd=root, code=1))
    assert loud == {("drift.psi", "hours_per_week"), ("quality", "roc_auc")}
    return made


def copied(service: Service, folder: Path) -> Service:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(service.root, folder / "adult", symlinks=True)
    api.adopt(folder / "adult")
    state = unfinished.read(service.root / ".mlspec")
    if state is not None:
        unfinished.write(folder / "adult" / ".mlspec", state)  # in a copy it counts as made elsewhere
    return service._replace(root=folder / "adult")


@pytest.fixture(scope="module")
def waiting(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A model has been trained again, by a command that was killed twice, and waits for its commit, which is made."""
    folder = tmp_path_factory.mktemp("waiting")
    team = copied(service, folder / "team")
    command = [sys.executable, "-c", CLI, str(team.root), *team.retrain()]
    for count in (1, 2):
        faults.killed(command, faults.Point("rename", count), folder / "log")
    waits = call(*team.retrain(), cwd=team.root, code=4)
    assert "waiting: not as in the last commit: data/served-" in waits.stdout
    assert "better   roc_auc" in waits.stdout
    assert team.events() == ["released 1.0", "promoted 1.0"]
    assert len(list((team.root / "data").glob("served-*"))) == 1
    committed(team.root)
    return team


@pytest.mark.slow
def test_a_model_that_has_gone_wrong_is_trained_again_promoted_and_rolled_back(
    waiting: Service, tmp_path: Path
) -> None:
    team = copied(waiting, tmp_path / "team")
    root, first = team.root, team.bundle()
    done = json.loads(call(*team.retrain(), "--format", "json", cwd=root).stdout)
    assert (done["outcome"], done["rows"], done["compared"]["rows"]) == ("promoted", 7000, 3000)
    assert team.events()[2:] == [f"released {done['version']}", f"promoted {done['version']}"]
    assert team.bundle() != first
    assert "retrained: quality: roc_auc" in call("releases", "--ledger", cwd=root).stdout
    assert "No reason to train it again" in call(*team.retrain(), cwd=root).stdout
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    back = call("release", "rollback", "production", cwd=root)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "production: 1.0" in back.stdout
    assert team.bundle() == first
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


@pytest.mark.slow
def test_a_killed_retraining_goes_on_and_does_nothing_twice(waiting: Service, tmp_path: Path) -> None:
    tried = copied(waiting, tmp_path / "tried")
    command = [sys.executable, "-c", CLI, str(tried.root), *tried.retrain()]
    try:
        found = faults.points(command, tried.root, tmp_path / "log")
    except RuntimeError as error:
        hardware.skip(f"strace can't trace here: {error}")
    found = [point for point in found if point.call in ("write", "rename", "unlink", "fsync")]
    hits = 0
    for point in found[:: max(1, len(found) // POINTS)]:
        tried = copied(waiting, tmp_path / "tried")
        hits += faults.killed(command, point, tmp_path / "log").hit
        call(*tried.retrain(), cwd=tried.root)
        events = [event.split()[0] for event in tried.events()]
        assert events == ["released", "promoted", "released", "promoted"], point
        bundle.verify(tried.bundle())
        assert unfinished.read(tried.root / ".mlspec") is None
        assert git(tried.root, "status", "--porcelain") == ""
    assert hits > 1


@pytest.mark.slow
def test_a_new_model_that_is_not_good_enough_leaves_the_project_as_it_was(service: Service, tmp_path: Path) -> None:
    team = copied(service, tmp_path / "team")
    root = team.root
    spec = (root / "project.yaml").read_text()
    (root / "project.yaml").write_text(spec.replace("at_least: 0.8}]}\ndata", "at_least: 0.999}]}\ndata"))
    dirty = call(*team.retrain(), cwd=root, code=2)
    assert dirty.stderr.startswith("error[tree-not-clean]: not as in the last commit: project.yaml")
    git(root, "commit", "-qam", "a stricter gate")
    lock = (root / "mlspec.lock").read_bytes()
    for _again in range(2):
        said = call(*team.retrain(), cwd=root, code=1).stdout
        assert "refused: gates do not pass: gate.quality.roc_auc (fail)" in said, said
        assert (root / "mlspec.lock").read_bytes() == lock
        assert git(root, "status", "--porcelain") == ""
        assert team.events() == ["released 1.0", "promoted 1.0"]
    left = unfinished.rows(root / ".mlspec", unfinished.LEFT)
    assert left is not None
    assert left.height == 10_000
    told = call("retrain", str(team.log), "--drop", cwd=root, code=2)
    assert told.stderr.startswith("error[no-retraining]: there is no retraining to give up")
