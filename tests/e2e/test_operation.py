"""From a run to a service and back: release, serve, monitor, a shift, late labels, train again, promote, roll back."""

import contextlib
import http.client
import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SPEC = """\
project: {name: churn}
constraints: {quality: [{metric: roc_auc, at_least: 0.7}]}
data:
  sources: {people: {path: people.csv}}
  columns: {target: left}
model:
  candidates: {linear: {type: logistic_regression}}
operation:
  release: {stages: [production]}
  serve: {max_rows: 200}
  log: {keep: 30d}
  labels: {source: outcomes.csv, key: request_id, within: 1h}
  monitor:
    window: {rows: 800, at_most: 1d}
    drift: {psi: {at_most: 0.1}}
    service: {errors: {at_most: 0.01}}
    quality: [{metric: roc_auc, at_least: 0.7}]
  retrain: {when: {quality: true}}
"""
Row = dict[str, object]


def people(count: int, seed: int, *, older: float = 0.0, turned: bool = False) -> list[Row]:
    """People who leave when they use little and complain; the other way round where it has ``turned``."""
    dice = random.Random(seed)
    made: list[Row] = []
    for _ in range(count):
        age, use, calls = dice.gauss(40 + older, 10), dice.gauss(0, 1), dice.choice(("none", "one", "many"))
        score = 1.5 * (-use + (calls == "many") - 0.3) * (-1 if turned else 1) + dice.gauss(0, 0.7)
        left = "yes" if score > 0 else "no"
        made.append({"age": round(age, 1), "use": round(use, 3), "calls": calls, "left": left})
    return made


def csv(rows: list[Row]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"


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


def asked(server: http.client.HTTPConnection, rows: list[Row], word: str) -> list[str]:
    """One request for each 50 rows; the predictions."""
    found: list[str] = []
    for start in range(0, len(rows), 50):
        body = json.dumps([{name: row[name] for name in ("age", "use", "calls")} for row in rows[start : start + 50]])
        headers = {"Content-Type": "application/json", "X-Request-Id": f"{word}-{start}"}
        server.request("POST", "/predict", body, headers)
        reply = server.getresponse()
        answer = json.loads(reply.read())
        assert (reply.status, answer["request_id"]) == (200, f"{word}-{start}"), answer
        found += [one["prediction"] for one in answer["predictions"]]
    return found


def outcomes(rows: list[Row], word: str) -> str:
    return "".join(f"{word}-{k - k % 50},{k % 50},{row['left']}\n" for k, row in enumerate(rows))


def failing(monitored: CompletedProcess[str]) -> set[tuple[str, str]]:
    found = json.loads(monitored.stdout)
    judged = [*found["window"]["findings"], *(found["quality"] or {"findings": []})["findings"]]
    return {(one["monitor"], one["subject"]) for one in judged if one["verdict"] == "fail"}


@pytest.mark.slow
def test_a_model_is_released_served_watched_trained_again_and_rolled_back(tmp_path: Path, mlspec: Mlspec) -> None:
    root, log = tmp_path / "churn", tmp_path / "log"
    root.mkdir()
    (root / "project.yaml").write_text(SPEC)
    (root / "people.csv").write_text(csv(people(1500, 1)))

    def release(version: str) -> Path:
        mlspec("run", cwd=root)
        for command in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "m"],
        ):
            subprocess.run(["git", *command], cwd=root, check=True)
        mlspec("release", "--unsigned", "--version", version, cwd=root)
        mlspec("release", "promote", version, "production", cwd=root)
        listed = json.loads(mlspec("releases", "--format", "json", cwd=root).stdout)
        return root / "mlspec.registry" / "bundles" / str(listed["stages"]["production"])

    first = release("1.0.0")
    calm, shifted = people(1000, 2), people(1000, 3, older=25, turned=True)
    with served(first, log) as server:
        predictions = asked(server, calm, "calm")
    (tmp_path / "calm.csv").write_text(csv([{k: v for k, v in row.items() if k != "left"} for row in calm]))
    mlspec("predict", str(first), str(tmp_path / "calm.csv"), "-o", str(tmp_path / "p.csv"), cwd=root)
    assert [line.split(",")[0] for line in (tmp_path / "p.csv").read_text().splitlines()[1:]] == predictions

    labels = root / "outcomes.csv"
    labels.write_text("request_id,row,left\n" + outcomes(calm, "calm"))
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    about = (str(log), str(labels), "--package", str(first), "--now", later)
    quiet = mlspec("monitor", *about, "--format", "json", cwd=root)
    assert failing(quiet) == set()

    # People are older, and what makes them leave has turned: the first is drift, the second only labels show.
    with served(first, log) as server:
        asked(server, shifted, "shifted")
    without_labels = mlspec("monitor", str(log), "--package", str(first), "--format", "json", cwd=root, code=1)
    assert failing(without_labels) == {("drift.psi", "age")}
    labels.write_text(labels.read_text() + outcomes(shifted, "shifted"))
    loud = mlspec("monitor", *about, "--format", "json", cwd=root, code=1)
    assert failing(loud) == {("drift.psi", "age"), ("quality", "roc_auc")}
    assert "roc_auc" in mlspec("retrain", "--check", *about, cwd=root, code=4).stdout

    # The newer half of the joined rows trains and tests the next model.
    mlspec("monitor", *about, "--join", str(root / "joined.csv"), cwd=root, code=1)
    recent = [line for line in (root / "joined.csv").read_text().splitlines() if "calm-" not in line]
    (root / "recent.csv").write_text("\n".join(recent) + "\n")
    spec = SPEC.replace("people.csv", "recent.csv").replace(
        "target: left", "target: left, drop: [request_id, row, time, prediction]"
    )
    (root / "project.yaml").write_text(spec)
    second = release("2.0.0")
    assert second != first
    newer = people(400, 4, older=25, turned=True)
    since = datetime.now(UTC).isoformat()
    with served(first, log) as server:
        asked(server, newer, "newer")
    labels.write_text(labels.read_text() + outcomes(newer, "newer"))
    better = mlspec("retrain", *about, "--candidate", str(second), "--since", since, cwd=root)
    assert "better" in better.stdout, better.stdout
    back = mlspec("release", "rollback", "production", cwd=root)
    assert "1.0.0" in back.stdout + back.stderr
    assert "rolled back" in mlspec("releases", "--ledger", cwd=root).stdout
