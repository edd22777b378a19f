"""The second wall: a process that has confined itself reaches nothing else, whatever code runs in it."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests import hardware

from mlspec.machine import landlock

SPECS = Path(__file__).parents[2] / "specs"
PROGRAM = """
import socket, subprocess, sys
from mlspec.cli._confined import confine

spec, cache, outside, secret, git = sys.argv[1:]
print("confined", confine([spec], write=[cache], git=git))

def tried(name, action):
    try:
        action()
        print(name, "done")
    except OSError as error:
        print(name, type(error).__name__)

tried("spec", lambda: open(spec).read())
tried("cache", lambda: open(cache + "/entry", "w").close())
tried("secret", lambda: open(secret).read())
tried("environment", lambda: open("/proc/self/environ").read())
tried("passwords", lambda: open("/etc/passwd").read())
tried("written beside the spec", lambda: open(spec + ".new", "w").close())
tried("written outside", lambda: open(outside + "/new", "w").close())
tried("removed", lambda: __import__("os").unlink(spec))
tried("connected", lambda: socket.create_connection(("127.0.0.1", 9), 5))
tried("program", lambda: subprocess.run(["/bin/true"], check=True))
tried("interpreter", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
tried("git", lambda: subprocess.run([git, "--version"], check=True, stdout=subprocess.DEVNULL))
tried("secret through the interpreter", lambda: subprocess.run(
    [sys.executable, "-c", "import sys; open(sys.argv[1])", secret], check=True, stderr=subprocess.DEVNULL))
"""


@hardware.needs(landlock.version(), "this kernel has no Landlock")
def test_a_confined_process_reaches_the_work_tree_and_its_cache_alone(tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    project, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (project / ".mlspec", outside):
        folder.mkdir(parents=True)
    spec, secret = project / "project.yaml", outside / "secret"
    spec.write_text("mlspec: 1\n")
    secret.write_text("token\n")
    arguments = [str(spec), str(project / ".mlspec"), str(outside), str(secret), git]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    allowed = [line.removesuffix(" done") for line in done.stdout.splitlines() if line.endswith(" done")]
    assert allowed == ["spec", "cache", "interpreter", "git"], done.stdout + done.stderr

    assert done.stdout.startswith("confined True\n")
    assert spec.exists()
    assert not (outside / "new").exists()


def test_where_the_kernel_has_none_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert landlock.version() == 0
    assert landlock.confine(read=["/"]) is False


@hardware.needs(landlock.version(), "this kernel has no Landlock")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "command",
    [["validate"], ["policy"], ["compile"], ["compile", "--resolved"], ["diff", "project.yaml", "other.yaml"]],
)
def test_the_commands_confine_themselves_before_they_look_at_what_a_spec_names(
    command: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "penguins"
    shutil.copytree(SPECS / "penguins", folder, ignore=shutil.ignore_patterns(".mlspec"))
    shutil.copy(folder / "project.yaml", folder / "other.yaml")
    mlspec = Path(sysconfig.get_path("scripts")) / "mlspec"
    calls, log = "landlock_restrict_self,open,openat", tmp_path / "calls"
    traced = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", str(log), str(mlspec), *command]
    done = subprocess.run(traced, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    confined = [index for index, line in enumerate(lines) if "landlock_restrict_self(" in line and line.endswith("= 0")]
    read = [index for index, line in enumerate(lines) if 'penguins.csv"' in line and "ENOENT" not in line]
    assert len(confined) == 1
    assert read
    assert confined[0] < read[0]
