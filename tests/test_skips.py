"""In CI a test is skipped for hardware alone; elsewhere also for a tool that is not installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest
from tests import hardware

@hardware.needs(False, "there is no GPU")
def test_mark(): ...

def test_call():
    hardware.skip("strace may not trace")

@pytest.mark.skipif(True, reason="no server is installed")
def test_tool(): ...

@pytest.fixture
def server():
    pytest.skip("no database is installed")

def test_fixture(server): ...

def test_inside():
    pytest.importorskip("no_such_module")

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""
MODULE = "import pytest\n\npytest.importorskip('no_such_library')\n\ndef test_never(): ...\n"


@pytest.mark.parametrize(
    ("variables", "workers", "outcome"),
    [
        ({}, "0", "6 skipped, 1 xfailed"),
        ({"CI": "true"}, "0", "1 failed, 2 skipped, 1 xfailed, 3 errors"),
        pytest.param({"CI": "true"}, "2", "1 failed, 2 skipped, 1 xfailed, 3 errors", marks=pytest.mark.slow),
    ],
    ids=["local", "ci", "ci-workers"],
)
def test_what_is_skipped(tmp_path: Path, variables: dict[str, str], workers: str, outcome: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text(MODULE)
    inherited = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-n", workers, "-rs",
         "--continue-on-collection-errors", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=Path(__file__).parents[1], env={**inherited, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"= {outcome} in " in done.stdout, done.stdout
    if variables:
        assert "in CI nothing is skipped but for hardware (tests/hardware.py): " in done.stdout
        assert "no server is installed" in done.stdout
        assert "no_such_library" in done.stdout
        assert "test_some.py:5: this machine: there is no GPU" in done.stdout
