"""Runs on a real MLflow server, which the test starts: `mlflow` in this environment, or the command that
MLSPEC_TEST_MLFLOW names. The server is heavy, so neither is part of the usual installation."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Mlspec = Callable[..., CompletedProcess[str]]
SERVER = os.environ.get("MLSPEC_TEST_MLFLOW") or shutil.which("mlflow")
REPORT = "report: {mlflow: {tracking_uri: '${env:TRACKING}', experiment: birds}}\n"
needs_client = pytest.mark.skipif(find_spec("mlflow") is None, reason="the extra mlflow is not installed")
needs_server = pytest.mark.skipif(SERVER is None, reason="no MLflow server to start: set MLSPEC_TEST_MLFLOW")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server with a database and a folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert SERVER is not None
    folder = tmp_path / "server"
    folder.mkdir()
    stated = ["--backend-store-uri", f"sqlite:///{folder}/db", "--artifacts-destination", str(folder / "artifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [SERVER, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *stated],
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONPATH": ""},
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(600):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)


def asked(server: str, call: str, **body: Any) -> dict[str, Any]:
    """The server's own answer, without its client."""
    request = urllib.request.Request(
        f"{server}/api/2.0/mlflow/{call}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.mark.slow
@needs_client
@needs_server
def test_a_run_is_on_the_server_with_its_figures_and_its_model(
    penguins: Path, mlspec: Mlspec, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = penguins / "project.yaml"
    spec.write_text(spec.read_text() + REPORT)
    monkeypatch.setenv("TRACKING", server)
    done = mlspec("run", cwd=penguins)
    assert "logged on ${env:TRACKING} as run" in done.stderr
    facts = json.loads(mlspec("show", "--format", "json", cwd=penguins).stdout)
    runs = asked(server, "runs/search", experiment_ids=["1"])["runs"]
    assert [run["info"]["run_name"] for run in runs] == [facts["id"]]
    logged = runs[0]
    assert logged["info"]["status"] == "FINISHED"
    tags = {tag["key"]: tag["value"] for tag in logged["data"]["tags"]}
    assert tags["mlspec.outcome"] == facts["outcome"]
    assert {tags[gate["gate"].replace("+", "_")] for gate in facts["gates"]} == {g["verdict"] for g in facts["gates"]}
    metrics = {metric["key"]: metric["value"] for metric in logged["data"]["metrics"]}
    for score in facts["scores"]:
        assert metrics[f"test.{score['metric']}"] == pytest.approx(score["value"])
    files = {path.relative_to(penguins.parent / "server" / "artifacts").parts[-1] for path in every(penguins, server)}
    assert {"report.html", "evidence.jsonl", "package.json"} <= files
    # Nothing to do is nothing to log; asked for, it is logged again.
    assert "logged" not in mlspec("run", cwd=penguins).stderr
    assert "logged on" in mlspec("report", "--mlflow", cwd=penguins).stderr
    assert len(asked(server, "runs/search", experiment_ids=["1"])["runs"]) == 2


def every(folder: Path, _server: str) -> Iterator[Path]:
    yield from (folder.parent / "server" / "artifacts").rglob("*.*")


@pytest.mark.slow
@needs_client
def test_a_server_that_is_not_there_costs_no_run(
    penguins: Path, mlspec: Mlspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = penguins / "project.yaml"
    spec.write_text(spec.read_text() + REPORT)
    monkeypatch.setenv("TRACKING", "http://me:hunter2@127.0.0.1:9")
    done = mlspec("run", cwd=penguins)
    assert "warning[not-logged]: the run is done, but was not logged on ${env:TRACKING}: " in done.stderr
    assert "hunter2" not in done.stderr + "".join(
        path.read_text() for path in (penguins / ".mlspec" / "runs").rglob("*.json*")
    )
    mlspec("report", "--mlflow", cwd=penguins, code=3)
    monkeypatch.delenv("TRACKING")
    assert "no variable TRACKING" in mlspec("report", "--mlflow", cwd=penguins, code=3).stderr
