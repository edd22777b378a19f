"""Secrets planted in the environment and in addresses are found nowhere: not in output, files, or other processes."""

import base64
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from mlspec.cli import main
from mlspec.sources import _secrets

WORDS = ("Qv7tRzA", "Kp9wXmB", "Ws4nLcD", "Hd8jFgE", "Yb2kPsT")
SECRET = "Qv7tRzA@Kp9wXmB/Ws4nLcD:Hd8jFgE #Yb2kPsT%41"
TOKEN = "Zx0mQwTvT-token-of-ci"
SPEC = """\
mlspec: 1
project: {{name: p}}
constraints: {{quality: [{{metric: accuracy, at_least: 0.5}}]}}
data:
  sources:
    a: {{{source}}}
  columns: {{target: y}}
  split: {{by: stratified, seed: 1}}
model:
  checks: "off"
  candidates: {{linear: {{{model}}}}}
"""


def project(folder: Path, source: str, model: str = "type: logistic_regression", more: str = "") -> Path:
    draw = random.Random(1)
    rows = [(round(draw.gauss(0, 1), 3), draw.choice("abc")) for _ in range(120)]
    lines = ["x,who,y", *(f"{x},{who}{i},{'u' if x > 0 else 'v'}" for i, (x, who) in enumerate(rows))]
    (folder / "d.csv").write_text("\n".join(lines) + "\n")
    path = folder / "project.yaml"
    path.write_text(SPEC.format(source=source, model=model) + more)
    return path


def planted(text: str) -> list[str]:
    """What of the secrets is in a text."""
    coded = [base64.b64encode(one.encode()).decode() for one in (SECRET, f"u:{SECRET}", TOKEN)]
    return [word for word in (*WORDS, *map(str.lower, WORDS), TOKEN, *coded) if word in text]


def in_files(folder: Path, *but: str) -> dict[str, list[str]]:
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in but and (words := planted(path.read_bytes().decode("latin-1"))):
            found[path.relative_to(folder).as_posix()] = words
    return found


SHOWN = {
    "plain": f'password "{SECRET}" refused',
    "quoted": f"GET /{quote(SECRET, safe='')}?x=1",
    "as a repr": f"{{'DB': {SECRET!r}}}",
    "as JSON": json.dumps({"DB": SECRET}).replace("/", "\\/"),
    "base64": f"header {base64.b64encode(SECRET.encode()).decode()}",
    "basic authorization": f"Authorization: Basic {base64.b64encode(f'u:{SECRET}'.encode()).decode()}",
    "a host in lower case": "could not resolve 'kp9wxmb'",
    "what is left behind a sign": 'unexpected spaces found in "Ws4nLcD:Hd8jFgE #Yb2kPsT%41@127.0.0.1:1/db"',
    "white space made one": SECRET.replace(" ", "  "),
}


@pytest.mark.parametrize("form", SHOWN)
def test_a_value_that_the_spec_refers_to_is_taken_out_in_every_form(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB", SECRET)
    assert planted(_secrets.scrubbed(SHOWN[form], "postgresql://u:${env:DB}@host/db")) == []


def test_other_secrets_of_the_environment_are_taken_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlspec.machine.secret_values import hidden

    address = f"https://u:{quote(SECRET, safe='')}@example.org/?sig=Zx0mQwSig"
    for name, value in (("GITHUB_TOKEN", TOKEN), ("MY_APP_PASSWORD", SECRET), ("REGISTRY_URI", address)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HARMLESS", "a harmless value")
    shown = hidden(f"{dict(os.environ)} Zx0mQwSig {quote(SECRET, safe='')}")
    assert planted(shown) == []
    assert "Zx0mQwSig" not in shown
    assert "'GITHUB_TOKEN': '${env:GITHUB_TOKEN}'" in shown
    assert "'HARMLESS': 'a harmless value'" in shown
    assert "understanding" in hidden("a basic understanding")


FETCHED = {
    "a whole address that is malformed": ('connection: "${env:URL}", table: t', "unexpected spaces found in"),
    "a whole address of nothing known": ('connection: "${env:SEC}", table: t', "'${env:SEC}' is not a known database"),
    "a host": ('connection: "postgresql://u@${env:SEC}/db", table: t', 'could not translate host name "${env:SEC}"'),
    "a port": ('connection: "postgresql://u@h:${env:SEC}/db", table: t', 'invalid integer value "${env:SEC}"'),
    "a file": ('connection: "sqlite:${env:SEC}.db", table: t', "/${env:SEC}.db"),
    "a function that raises": ('code: "own:raises"', "401 for https://api.example.org/?key=${env:CI_TOKEN}"),
    "a function that ends": ('code: "own:ends"', "SystemExit: can't use ${env:CI_TOKEN}"),
}


@pytest.mark.parametrize("name", FETCHED)
def test_what_fetching_says_of_an_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source, said = FETCHED[name]
    if "postgresql" in source or "URL" in source:
        pytest.importorskip("adbc_driver_postgresql")
    spec = project(tmp_path, f"{source}, retries: 0")
    (tmp_path / "own.py").write_text(
        "import os, sys\n"
        "def raises():\n"
        "    raise ValueError('x' * 200 + ' 401 for https://api.example.org/?key=' + os.environ['CI_TOKEN'])\n"
        "def ends():\n"
        "    print(os.environ)\n"
        "    sys.exit('can\\'t use ' + os.environ['CI_TOKEN'])\n"
    )
    monkeypatch.setenv("SEC", SECRET)
    monkeypatch.setenv("URL", f"postgresql://u:{SECRET}@127.0.0.1:1/db")
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    assert main(["run", str(spec)]) == 3
    shown = capfd.readouterr()
    assert said in shown.err
    assert planted(shown.out + shown.err) == []
    assert in_files(tmp_path) == {}


MODEL = """\
import os
class Model:
    def fit(self, rows, target):
        raise RuntimeError("x" * 270 + os.environ["CI_TOKEN"] + str(dict(os.environ)))
    def predict_proba(self, rows): ...
"""


def test_a_step_that_raises_with_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = project(tmp_path, "path: d.csv", 'type: python, code: "own_raising:Model"')
    (tmp_path / "own_raising.py").write_text(MODEL)
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.setenv("MLSPEC_TRACEBACK", "1")
    assert main(["run", str(spec), "--backend", "inline", "--only", "train.linear"]) == 3
    assert main(["report", "--spec", str(spec), "--format", "markdown"]) == 0
    shown = capfd.readouterr()
    assert "RuntimeError: xxx" in shown.err
    assert planted(shown.out + shown.err) == []
    (log,) = tmp_path.glob(".mlspec/runs/*/logs/*.log")
    assert "'CI_TOKEN': '${env:CI_TOKEN}'" in log.read_text()
    assert in_files(tmp_path) == {}


@pytest.mark.parametrize("traceback", ["", "1"], ids=["one line", "a traceback"])
def test_a_mistake_of_ours(traceback: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(*_given: object) -> int:
        raise RuntimeError(f"refused: {SECRET} {TOKEN}")

    monkeypatch.setattr("mlspec.cli._plain", broken)
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    monkeypatch.setenv("MLSPEC_TRACEBACK", traceback)
    assert main(["doctor"]) == 70
    shown = capfd.readouterr().err
    assert "internal error: RuntimeError: refused: ${env:DB_PASSWORD} ${env:CI_TOKEN}" in shown
    assert ("Traceback" in shown) == bool(traceback)
    assert planted(shown) == []


@pytest.mark.parametrize(
    "query", ["access_token", "api_key", "sig", "X-Amz-Signature", "X-Amz-Security-Token", "password", "client_secret"]
)
def test_an_address_that_gives_access_is_refused_and_not_shown(
    query: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = project(tmp_path, f'path: "https://127.0.0.1:1/x.csv?v=1&{query}={quote(SECRET, safe="")}"')
    for command in ("validate", "run"):
        assert main([command, str(spec)]) == 2
        shown = capfd.readouterr()
        assert "error[secret-in-spec]: source 'a' contains a password" in shown.err
        assert f"&{query}=•••" in shown.err
        assert planted(shown.out + shown.err) == []


def test_a_reference_where_none_is_filled_in_connects_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEC", SECRET)
    spec = project(tmp_path, 'format: csv, path: "https://127.0.0.1:1/x.csv?token=${env:SEC}"')
    assert main(["run", str(spec)]) == 2
    shown = capfd.readouterr()
    assert "error[secret-in-spec]: 'path' takes no ${env:NAME}" in shown.err
    assert "trying again" not in shown.err


MORE = """\
  personal: {who: {kind: direct_identifier, action: {hash: PEOPLE_KEY}}}
"""


@pytest.mark.slow
def test_a_whole_run_tells_no_secret_to_anyone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """All that is printed and written, and what the command lines of all processes say while it runs."""
    for name in ("PEOPLE_KEY", "STORE_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("DB_FILE", f"{WORDS[0]}.db")
    monkeypatch.setenv("CI_TOKEN", TOKEN)
    spec = project(tmp_path, 'connection: "sqlite:${env:DB_FILE}", table: t')
    spec.write_text(spec.read_text().replace("model:\n", f"{MORE}model:\n"))
    spec.write_text(spec.read_text() + "storage: {encrypt: STORE_KEY}\nbackend: {store: shared}\n")
    (tmp_path / "other.yaml").write_text(spec.read_text().replace("0.5", "0.6"))
    rows = [line.split(",") for line in (tmp_path / "d.csv").read_text().splitlines()[1:]]
    with sqlite3.connect(tmp_path / f"{WORDS[0]}.db") as file:
        file.execute("CREATE TABLE t (x REAL, who TEXT, y TEXT)")
        file.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    file.close()
    shown, lines = ran(tmp_path, "run")
    assert "pass  accuracy" in shown
    assert len(lines) > 2
    assert [line for line in lines if planted(line)] == []
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    for arguments in (
        ("compile", "--format", "json"),
        ("compile", "--resolved"),
        ("compile", "--explain", "source.a"),
        ("report",),
        ("report", "--format", "json"),
        ("report", "--format", "card"),
        ("contract", "export"),
        ("profile", "."),
        ("verify", "--store"),
        ("compile", "--format", "dvc"),
        ("diff", "project.yaml", "other.yaml"),
    ):
        assert main(arguments) == 0
    told = capfd.readouterr()
    assert planted(shown + told.out + told.err) == []
    assert (tmp_path / "shared").is_dir()
    assert in_files(tmp_path, f"{WORDS[0]}.db") == {}


def ran(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the command lines of its processes, seen while it runs."""
    start = "import sys; from mlspec.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", start, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for number in (process.pid, *below(process.pid)):
                try:
                    lines.add(Path(f"/proc/{number}/cmdline").read_text(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.communicate(timeout=300)[0]
    ended.set()
    watcher.join()
    assert process.returncode in (0, 1), output
    return output, lines


def below(process: int) -> Iterator[int]:
    """The processes that a process has started, and theirs."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return
    for child in children:
        yield child
        yield from below(child)


def test_an_mlflow_server_that_repeats_what_it_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    from mlspec.report import tracking
    from mlspec.spec.tracking import Mlflow

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = self.headers.get("Authorization", "")
            body = f"{sent} {base64.b64decode(sent.split()[-1] + '==').decode('latin-1')} {self.path}".encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    here = f"127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("PW", SECRET)
    monkeypatch.setenv("URI", f"http://u:{quote(SECRET, safe='')}@{here}")
    run: Any = type("Run", (), {"project": "p", "id": "1"})
    try:
        for stated in ("${env:URI}", f"http://u:${{env:PW}}@{here}"):
            told = tracking.track(run, tmp_path, Mlflow(tracking_uri=stated))
            assert told.error is not None
            assert "403" in told.error
            assert planted(told.error) == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
