"""`validate` and `compile` are safe on a stranger's spec: nothing started, no socket, nothing written but the cache."""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

SPECS = Path(__file__).parents[2] / "specs"
CALLS = (
    "execve,execveat,fork,vfork,clone,clone3,socket,connect,bind,open,openat,creat,unlink,unlinkat,rename,renameat,"
    "renameat2,mkdir,mkdirat,rmdir,symlink,link,linkat,truncate,chmod,fchmodat"
)
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def system_calls(command: list[str], folder: Path, log: Path) -> list[str]:
    """The watched system calls of a command that must succeed, one a line."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log), *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "ptrace" in done.stderr and "not permitted" in done.stderr.lower():
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0, done.stderr
    return log.read_text().splitlines()


def offences(calls: list[str], folder: Path) -> list[str]:
    """Calls that start a process, open a socket, or touch anything but mlspec's own cache."""
    cache = str(folder / ".mlspec")
    found = []
    started = 0
    for line in calls:
        call = re.sub(r"^\d+\s+", "", line)
        name = call.split("(", 1)[0]
        if " = -1 " in call or "resumed>" in call:
            continue
        if name in ("execve", "execveat"):
            started += 1
            if started > 1:
                found.append(line)
        elif name in ("fork", "vfork", "socket", "connect", "bind") or (
            name in ("clone", "clone3") and "CLONE_THREAD" not in call
        ):
            found.append(line)
        elif name in ("open", "openat", "creat") and not WRITES.search(call):
            continue
        elif name not in ("clone", "clone3"):
            paths = [str((folder / p).resolve()) for p in PATH.findall(call)]
            if not all(p.startswith((cache, "/dev/null", "/dev/tty")) for p in paths):
                found.append(line)
    return found


@pytest.mark.parametrize("command", ["validate", "compile"])
@pytest.mark.parametrize("spec", ["penguins", "adult-income", "census-sqlite", "seattle-forecast"])
def test_nothing_is_started_connected_or_written(command: str, spec: str, tmp_path: Path) -> None:
    folder = (tmp_path / spec).resolve()
    shutil.copytree(SPECS / spec, folder, ignore=shutil.ignore_patterns(".mlspec"))
    mlspec = str(Path(sysconfig.get_path("scripts")) / "mlspec")
    calls = system_calls([mlspec, command, "project.yaml"], folder, tmp_path / "calls")
    assert offences(calls, folder) == []


def test_the_watch_sees_what_it_is_there_for(tmp_path: Path) -> None:
    code = "import socket, subprocess; socket.socket().close(); subprocess.run(['true']); open('written', 'w').close()"
    calls = system_calls(["python3", "-c", code], tmp_path, tmp_path / "calls")
    text = "\n".join(offences(calls, tmp_path))
    assert "socket(" in text
    assert "execve(" in text
    assert "written" in text
