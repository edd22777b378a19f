"""DVC's remote in a bucket: a server that speaks S3 is started here, results go there and come back to a colleague."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from tests.e2e.conftest import Mlspec
from tests.e2e.test_dvc_team import commit, dvc, git, is_clean, unborn

# dvc-s3's pins don't go together with ours: it may be installed in a folder that only what is started here sees.
PACKAGES = os.environ.get("MLSPEC_TEST_DVC_S3")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PACKAGES and find_spec("dvc_s3") is None, reason="dvc-s3 is not installed"),
]

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the bucket ``team``."""
    seen = {"PYTHONPATH": os.pathsep.join(filter(None, (PACKAGES, os.environ.get("PYTHONPATH"))))}
    for name, value in (KEYS | seen).items():
        monkeypatch.setenv(name, value)
        monkeypatch.setitem(sys.modules["tests.e2e.test_dvc_team"].QUIET, name, value)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        while "Running on" not in server.stdout.readline():
            assert server.poll() is None, "the server did not start"
        address = f"http://127.0.0.1:{port}"
        try:
            urlopen(Request(f"{address}/team", method="PUT"), timeout=30).close()
            yield address
        except URLError as error:
            pytest.fail(f"the server does not answer: {error}")
        finally:
            server.kill()


def test_results_in_a_bucket_come_to_a_colleague(tmp_path: Path, endpoint: str, mlspec: Mlspec) -> None:
    made = unborn("penguins", tmp_path)
    dvc("remote", "add", "-q", "-d", "store", "s3://team/results", cwd=made)
    dvc("remote", "modify", "-q", "store", "endpointurl", endpoint, cwd=made)
    mlspec("run", "--backend", "dvc", cwd=made)
    commit(made, "first")
    dvc("push", "-q", cwd=made)
    git("clone", "-q", str(made), str(tmp_path / "clone"), cwd=tmp_path)
    dvc("pull", "-q", cwd=tmp_path / "clone")
    assert "done in" not in mlspec("run", cwd=tmp_path / "clone").stderr
    assert is_clean(tmp_path / "clone")
