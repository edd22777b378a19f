"""Real servers for the tests of sources: PostgreSQL, an object store, a web server; each on a port of its own."""

import functools
import http.server
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

SECRET = "pl4nted-S3cret/with@odd:chars"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres(Struct, frozen=True):
    """A running server, its port, and how to speak to it as its owner."""

    port: int
    folder: str
    programs: str

    def run(self, statements: str) -> None:
        """Run SQL; it must succeed."""
        environment = {**os.environ, "PGPASSWORD": SECRET}
        command = [shutil.which("psql") or f"{self.programs}/psql", "-q", "-v", "ON_ERROR_STOP=1"]
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "reader", "-d", "postgres"]
        subprocess.run([*command, *where], input=statements, text=True, check=True, env=environment)

    @property
    def connection(self) -> str:
        """The connection string, the password by reference."""
        return f"postgresql://reader:${{env:MLSPEC_TEST_PASSWORD}}@127.0.0.1:{self.port}/postgres"


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [Path(path).parent for path in [shutil.which("initdb")] if path]
    return next((folder for folder in found if (folder / "initdb").exists()), None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the tests' own; they are skipped where its programs are not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="mlspec-postgres-"))
    as_owner: list[str] = []
    if os.getuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o644)
    run = functools.partial(subprocess.run, check=True, capture_output=True, cwd=folder)
    data, port = folder / "data", free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        made = ["-D", str(data), "-U", "reader", "-A", "scram-sha-256", f"--pwfile={folder / 'secret'}", "--no-sync"]
        run([*as_owner, str(programs / "initdb"), *made])
        control = [*as_owner, str(programs / "pg_ctl"), "-D", str(data), "-w"]
        run([*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield Postgres(port, str(folder), str(programs))
        finally:
            run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Web(Struct, frozen=True):
    """A running web server: the folder that it serves and its address."""

    folder: Path
    address: str


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A web server that knows ETags and Last-Modified as a static file server does; /broken breaks off, /slow hangs."""
    folder = tmp_path / "served"
    folder.mkdir()
    release = threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if self.path.startswith("/slow"):
                release.wait(30)
                return
            if self.path.startswith("/broken"):
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(b"a,b\n1,2\n")
                return
            super().do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Web(folder, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()
