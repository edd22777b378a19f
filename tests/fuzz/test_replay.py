"""The inputs that are kept, those of past findings among them, end in a diagnostic or a result, and end at all."""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent


@pytest.mark.slow
def test_what_was_found_once_is_not_found_again() -> None:
    # In a process of its own: what takes the interpreter down is a failure here, not the end of the suite. Its last
    # line names the input at hand.
    command = [sys.executable, str(FUZZ), "--replay"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def test_a_short_campaign_finds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(FUZZ), "--target", "spec", "expression", "csv", "jsonl", "lock", "--count", "600"]
    command += ["--workers", "1", "--findings", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert "executions" in done.stdout


@pytest.mark.slow
def test_the_campaign_sees_what_it_is_there_for(tmp_path: Path) -> None:
    # A target of a few lines that does all that a target must not do.
    fuzz = tmp_path / "tests" / "fuzz"
    fuzz.mkdir(parents=True)
    for path in FUZZ.glob("*.py"):
        (fuzz / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("src", "backends", "specs", "schema"):
        (tmp_path / name).symlink_to(FUZZ.parents[1] / name)
    (fuzz / "targets").mkdir()
    (fuzz / "targets/__init__.py").write_text((FUZZ / "targets/__init__.py").read_text(encoding="utf-8"))
    (fuzz / "targets/bad.py").write_text(
        "import os, time\n"
        "from mlspec.diagnostics import SpecError\n"
        "SHARE, TRACED, HELD = 100, False, []\n"
        "def seeds(): return [b'']\n"
        "def mutate(data, chance):\n"
        "    return chance.choice([b'fine'] * 9 + [b'refused', b'crash', b'large', b'slow', b'KeyError'])\n"
        "def one(data, scratch):\n"
        "    if data == b'refused': raise SpecError([])\n"
        "    if b'crash' in data: os.abort()\n"
        "    if b'large' in data: HELD[:] = [b'x' * (400 << 20)]; HELD.clear()\n"
        "    while b'slow' in data and time.process_time() % 1000 < _end(): pass\n"
        "    if b'Key' in data: raise KeyError(1)\n"
        "    return 'fine'\n"
        "def _end():\n"
        "    global END\n"
        "    END = globals().get('END') or time.process_time() % 1000 + 1.1\n"
        "    if time.process_time() % 1000 >= END: END = None; return 0\n"
        "    return END\n"
    )
    command = [sys.executable, str(fuzz), "--count", "90", "--workers", "1", "--findings", str(tmp_path / "found")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    for what in ("crash SIGABRT", "large fine", "slow fine", "KeyError"):
        assert f"FOUND bad: {what}" in done.stdout, done.stdout
    kept = {path.read_bytes() for path in (tmp_path / "found" / "bad").glob("*") if not path.suffix}
    assert kept >= {b"crash", b"large", b"slow", b"Key"}
