"""`validate`, `compile` and `diff` are safe on a stranger's spec, as the kernel sees it.

Nothing is started but git (for `diff`) and our own interpreter (for a look at a source), no socket is made, nothing is
written but the cache, and nothing opened outside the interpreter, the system's libraries and the work tree.
"""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from tests import hardware
from tests.suites import later

import mlspec
import mlspec_backends

SPECS = Path(__file__).parents[2] / "specs"
EXAMPLES = sorted(path.parent.name for path in SPECS.glob("*/project.yaml"))
EACH = later(EXAMPLES, lambda name: name != "penguins")
CALLS = (
    "execve,execveat,fork,vfork,clone,clone3,socket,connect,bind,open,openat,openat2,creat,unlink,unlinkat,rename,"
    "renameat,renameat2,mkdir,mkdirat,rmdir,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat,mknod,mknodat,mount"
)
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
CODE = [str(Path(package.__file__ or "").resolve().parent) for package in (mlspec, mlspec_backends)]
SYSTEM = (
    *("/usr/lib", "/lib", "/lib64", "/usr/local/lib", "/usr/share/locale", "/usr/share/zoneinfo", "/usr/lib/locale"),
    *(
        "/etc/ld.so.cache",
        "/etc/ld.so.preload",
        "/etc/localtime",
        "/etc/timezone",
        "/etc/locale.alias",
        "/etc/ssl/openssl.cnf",
    ),
    *("/dev/null", "/dev/urandom", "/dev/tty", "/dev/nvidiactl", "/proc/meminfo"),
    *("/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/version", "/sys/devices/system", "/sys/fs/cgroup"),
    *("/proc/sys/vm", "/sys/kernel/mm", "/proc/cgroups", "/var/tmp/polars-unknown/spill"),
)
PYTHON = (sys.prefix, sys.base_prefix, *CODE, *json.loads(subprocess.run(
    [sys.executable, "-P", "-c", "import json, sys; print(json.dumps(sys.path))"], capture_output=True, check=True
).stdout))  # fmt: skip
GIT = shutil.which("git") or "git"

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Trace:
    """What a command did: its exit code, what it printed, its watched system calls, one a line."""

    def __init__(self, code: int, output: str, calls: list[str]) -> None:
        self.code, self.output, self.calls = code, output, calls


def traced(command: list[str], folder: Path, aside: Path) -> Trace:
    """Run a command in a folder; ``aside`` is where its home, its scratch folder and the log of its calls are."""
    home, scratch, log = aside / "home", aside / "scratch", aside / "calls"
    for one in (home, scratch):
        one.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home), "TMPDIR": str(scratch)}
    done = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s4096", "-etrace=" + CALLS, "-esignal=none", "-o", str(log), *command],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if "ptrace" in done.stderr and "not permitted" in done.stderr.lower():
        hardware.skip("tracing is not permitted")
    return Trace(done.returncode, done.stdout + done.stderr, log.read_text(errors="replace").splitlines())


def offences(calls: list[str], folder: Path, aside: Path, specs: list[Path], *, git: bool = False) -> list[str]:
    """Calls that start another program than git (with ``git``) or our interpreter with ``-P``, open a socket, touch
    anything but mlspec's own cache and a scratch folder, or open what is neither Python, the system's nor in the folder
    of a spec. ``folder`` is where the command was run."""
    found, started, forked = [], 0, 0
    written = (str(aside / "scratch"), "/dev/null", "/dev/tty")
    for line in calls:
        call = re.sub(r"^\d+\s+", "", line)
        name = call.split("(", 1)[0]
        if "resumed>" in call or name in ("+++", "---"):
            continue
        if name in ("execve", "execveat"):
            if " = -1 ENOENT" in call:
                continue
            started += 1
            if started > 1 and not _is_ours(call) and not (git and _is_git(call)):
                found.append(line)
        elif name in ("fork", "vfork") or (name in ("clone", "clone3") and "CLONE_THREAD" not in call):
            forked += " = -1 " not in call
        elif name in ("socket", "connect", "bind"):
            found.append(line)
        elif name in ("clone", "clone3"):
            continue
        elif "O_PATH" in call or (call.startswith("openat(") and ', "/dev", ' in call and "O_DIRECTORY" in call):
            continue  # names a place and reads nothing, as Landlock's rules do; which graphics cards there are
        elif name in ("open", "openat", "openat2", "creat") and not WRITES.search(call) and name != "creat":
            programs = (GIT,) if git else ()
            if not _below(call, folder, (*SYSTEM, *PYTHON, *programs, *map(str, specs), str(aside / "scratch"))):
                found.append(line)
        elif not _below(call, folder, (*(str(one / ".mlspec") for one in specs), *written)):
            found.append(line)
    if forked > started - 1:
        found.append(f"{forked} processes were made, {started - 1} programs started in them")
    return found


def _is_ours(call: str) -> bool:
    words = PATH.findall(call)
    folder, name = os.path.split(words[0])
    return folder == os.path.dirname(sys.executable) and name.startswith("python") and "-P" in words


def _is_git(call: str) -> bool:
    return os.path.basename(PATH.findall(call)[0]) == "git"


def _below(call: str, folder: Path, roots: tuple[str, ...]) -> bool:
    """Whether all paths of a call are in one of these places, once links are resolved."""
    base = re.search(r"\((?:AT_FDCWD|\d+)<([^>]*)>, \"", call)
    start = Path(base[1]) if base else folder
    paths = [os.path.realpath(start / path) for path in PATH.findall(call)]
    known = tuple(os.path.realpath(one) for one in roots)
    return all(_own(path) or any(path == one or path.startswith(f"{one}/") for one in known) for path in paths)


def _own(path: str) -> bool:
    """What a process may read of itself: not its environment, its memory or its open files."""
    found = re.match(r"/proc/(?:self|thread-self|\d+)(/.*)?\Z", path)
    return found is not None and not re.search(r"/(environ|mem|fd|root|cwd)(/|\Z)", path) and path != "/proc/1/cmdline"


def copied(spec: str, target: Path) -> Path:
    """An example's folder, without what running it left there."""
    folder = (target / "work" / spec).resolve()
    shutil.copytree(SPECS / spec, folder, ignore=shutil.ignore_patterns(".mlspec"))
    return folder


def commit(folder: Path, message: str) -> None:
    settings = ("user.name=t", "user.email=t@localhost", "commit.gpgsign=false", "init.defaultBranch=main")
    given = [part for setting in settings for part in ("-c", setting)]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", message]):
        subprocess.run([GIT, *given, *arguments], cwd=folder, check=True, capture_output=True)


def test_the_examples_are_validated_and_nothing_else_happens(tmp_path: Path) -> None:
    folders = [copied(spec, tmp_path) for spec in EXAMPLES]
    home = folders[0].parent
    found = traced([MLSPEC, "validate", *(f"{spec}/project.yaml" for spec in EXAMPLES)], home, tmp_path)
    assert found.code == 0, found.output
    assert offences(found.calls, home, tmp_path, folders) == []


@pytest.mark.parametrize("spec", EACH)
def test_an_example_is_compiled_and_nothing_else_happens(spec: str, tmp_path: Path) -> None:
    folder = copied(spec, tmp_path)
    found = traced([MLSPEC, "compile", "project.yaml"], folder, tmp_path)
    assert found.code == 0, found.output
    assert offences(found.calls, folder, tmp_path, [folder]) == []


@pytest.mark.parametrize("spec", EACH)
def test_a_diff_starts_git_alone(spec: str, tmp_path: Path) -> None:
    folder = copied(spec, tmp_path)
    commit(folder, "one")
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("goal:", "goal: Another goal. #", 1))
    found = traced([MLSPEC, "diff"], folder, tmp_path)
    assert found.code == 0, found.output
    assert "goal" in found.output
    assert offences(found.calls, folder, tmp_path, [folder], git=True) == []


SPEC = """\
mlspec: 1
project: {name: p, goal: g}
constraints:
  quality:
    - {metric: balanced_accuracy, at_least: 0.5}
data:
  sources: {a: %s}
  columns: {target: y, positive: nobody}
model:
  candidates: {linear: %s}
"""
LINEAR = "{type: logistic_regression}"
HOSTILE = {
    "absolute": ("{path: SECRET/d.csv}", LINEAR),
    "above": ("{path: ../secret/d.csv}", LINEAR),
    "pattern": ("{path: ../secret/*.csv}", LINEAR),
    "everything": ("{path: /**/*.csv}", LINEAR),
    "link": ("{path: link.csv}", LINEAR),
    "linked folder": ("{path: linked/d.csv}", LINEAR),
    "folder of links": ("{path: links}", LINEAR),
    "git": ("{path: .git/config, format: csv}", LINEAR),
    "environment": ("{path: /proc/self/environ, format: csv}", LINEAR),
    "parent": ("{path: /proc/1/cmdline, format: csv}", LINEAR),
    "endless": ("{path: /dev/zero, format: csv}", LINEAR),
    "pipe": ("{path: pipe, format: csv}", LINEAR),
    "picture": ("{path: ../secret, format: images}", LINEAR),
    "texts": ("{path: /etc, format: texts}", LINEAR),
    "database": ('{connection: "sqlite:../secret/d.db", table: t}', LINEAR),
    "view": ('{connection: "sqlite:view.db", table: t}', LINEAR),
    "server": ('{connection: "postgresql://u@localhost/x", table: t}', LINEAR),
    "address": ("{path: http://localhost:9/d.csv}", LINEAR),
    "parquet": ("{path: bad.parquet}", LINEAR),
    "arrow": ("{path: bad.arrow}", LINEAR),
    "archive": ("{path: bad.zip, format: images}", LINEAR),
    "code": ("{path: d.csv}", "{type: python, code: own:Model}"),
    "module": ("{path: d.csv}", '{type: python, code: "os:system"}'),
    "network": ("{path: d.csv}", '{type: torch, code: "..secret.own:Net"}'),
    "secret": ('{connection: "postgresql://u:${env:HOME}@h/x", table: t}', LINEAR),
}
SOME = ("everything", "linked folder", "environment", "pipe", "database", "parquet", "code")
ROWS = "x,y\n" + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(20))


def hostile(folder: Path, source: str, model: str) -> None:
    """A project with all that an attack needs, and what it is after beside it."""
    secret = folder.parent / "secret"
    secret.mkdir(parents=True)
    folder.mkdir()
    (secret / "d.csv").write_text(ROWS.replace("u", "hunter2"))
    (folder / "d.csv").write_text(ROWS)
    (folder / "link.csv").symlink_to(secret / "d.csv")
    (folder / "linked").symlink_to(secret)
    (folder / "links").mkdir()
    (folder / "links" / "d.csv").symlink_to(secret / "d.csv")
    os.mkfifo(folder / "pipe")
    for name in ("bad.parquet", "bad.arrow", "bad.zip"):
        magic = {"bad.parquet": b"PAR1", "bad.arrow": b"ARROW1"}.get(name, b"PK\3\4")
        (folder / name).write_bytes(magic + bytes(range(200)) + magic)
    for path, kind in ((secret / "d.db", "TABLE t(x, y)"), (folder / "view.db", "VIEW t AS SELECT 1 AS x, 'u' AS y")):
        connection = sqlite3.connect(path)
        connection.execute(f"CREATE {kind}")
        connection.commit()
        connection.close()
    marker = "open('ran', 'w').close()\n"
    for name in ("own.py", "msgspec.py", "yaml.py", "polars.py", "sitecustomize.py", "usercustomize.py"):
        (folder / name).write_text(marker)
    evil = folder / "evil-1.dist-info"
    evil.mkdir()
    (evil / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    (evil / "entry_points.txt").write_text("[mlspec.metrics]\nevil = own:Model\n[mlspec.sources]\nevil = own:Model\n")
    (folder / "project.yaml").write_text(SPEC % (source.replace("SECRET", str(secret)), model))


def test_attacks_are_refused_and_nothing_else_happens(tmp_path: Path) -> None:
    # Each in a folder of its own, all in one command: what one of them may read, the others may not.
    folders = [(tmp_path / "work" / str(index) / "project").resolve() for index in range(len(HOSTILE))]
    for folder, (name, (source, model)) in zip(folders, HOSTILE.items(), strict=True):
        hostile(folder, source, model)
        if name == "git":
            (folder / ".git").mkdir()
            for file, text in (("HEAD", "ref: refs/heads/main\n"), ("config", "[http]\n\textraheader = hunter2,y\n")):
                (folder / ".git" / file).write_text(text)
    home = tmp_path.resolve() / "work"
    paths = [str((folder / "project.yaml").relative_to(home)) for folder in folders]
    found = traced([MLSPEC, "validate", *paths], home, tmp_path)
    assert found.code == 2, found.output
    for path in paths:
        assert f"--> {path}:" in found.output, path
    assert "hunter2" not in found.output
    assert not list(home.rglob("ran"))
    assert offences(found.calls, home, tmp_path, folders) == []


@pytest.mark.parametrize("attack", SOME)
def test_an_attack_on_compile_is_refused_and_nothing_else_happens(attack: str, tmp_path: Path) -> None:
    folder = (tmp_path / "work" / "project").resolve()
    hostile(folder, *HOSTILE[attack])
    found = traced([MLSPEC, "compile"], folder, tmp_path)
    assert found.code == 2, found.output
    assert "hunter2" not in found.output
    assert not (folder / "ran").exists()
    assert offences(found.calls, folder, tmp_path, [folder]) == []


@pytest.mark.parametrize("attack", SOME)
def test_a_diff_of_an_attack_opens_nothing_outside(attack: str, tmp_path: Path) -> None:
    folder = (tmp_path / "work" / "project").resolve()
    hostile(folder, "{path: d.csv}", LINEAR)
    (folder / "pipe").unlink()
    commit(folder, "one")
    os.mkfifo(folder / "pipe")
    source, model = HOSTILE[attack]
    (folder / "project.yaml").write_text(SPEC % (source.replace("SECRET", str(folder.parent / "secret")), model))
    found = traced([MLSPEC, "diff"], folder, tmp_path)
    assert found.code in (0, 2), found.output
    assert "hunter2" not in found.output
    assert not (folder / "ran").exists()
    assert offences(found.calls, folder, tmp_path, [folder], git=True) == []


def test_the_watch_sees_what_it_is_there_for(tmp_path: Path) -> None:
    code = (
        "import os, socket, subprocess\n"
        "socket.socket().close(); subprocess.run(['true']); open('written', 'w').close(); open('/etc/passwd').close()\n"
        "open('/proc/self/environ').close(); subprocess.run([__import__('sys').executable, '-c', ''])\n"
        "if os.fork() == 0: os._exit(0)\n"
    )
    found = traced([sys.executable, "-c", code], tmp_path, tmp_path)
    text = "\n".join(offences(found.calls, tmp_path, tmp_path, [tmp_path], git=True))
    for what in ("socket(", "/true", "written", "/etc/passwd", "/environ", sys.executable, "programs started in them"):
        assert what in text, what
