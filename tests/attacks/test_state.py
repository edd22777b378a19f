"""What is in ``.mlspec`` and beside the spec can be damaged, forged, or somebody else's: nothing of it crashes a
command, stands for a result that was made here, or leads a command into another folder."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

from mlspec import api
from mlspec import paths as places
from mlspec.cli import main
from mlspec.diagnostics import StoreError
from mlspec.machine import seals
from mlspec.store import action as actions
from mlspec.store import upkeep
from mlspec.store.store import Store

COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
PATIENCE = 60  # seconds that no command takes, unless it waits for a pipe or reads without end
SPEC = """mlspec: 1
project: {name: p, goal: g}
constraints: {quality: [{metric: balanced_accuracy, at_least: 0.5}]}
data: {sources: {a: {path: d.csv}}, columns: {target: y}}
model: {checks: "off", candidates: {linear: {type: logistic_regression}}}
"""
DEEP = b"[" * 100_000
CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "an empty object": b"{}",
    "null": b"null",
    "deep lists": DEEP + DEEP.replace(b"[", b"]"),
    "deep objects": b'{"steps":' * 50_000 + b"1" + b"}" * 50_000,
    "a huge integer": b'{"version": ' + b"9" * 6_000 + b', "seconds": ' + b"9" * 400 + b"}",
    "a huge number": b'{"version": 1e999, "seconds": 1e999}',
    "no number": b'{"seconds": NaN}',
    "no text": b"\xff\xfe\0\1" * 50,
    "a command": b"\x1b]0;x\x07\n::error::x\n",
}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def large(path: Path) -> None:
    path.touch()
    os.truncate(path, 200 << 20)


THINGS: dict[str, Callable[[Path], None]] = {
    **{name: (lambda path, content=content: path.write_bytes(content)) for name, content in CONTENTS.items()},  # type: ignore[misc]
    "a pipe": fifo,
    "a folder": Path.mkdir,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a device without end": endless,
    "200 MB": large,
}
PLANS = (["validate"], ["compile", "--format", "json"], ["run", "--dry-run"])
RUNS = (
    ["runs"],
    ["show"],
    ["show", "balanced_accuracy"],
    ["report", "-o", "page.html"],
    ["report", "--format", "card"],
)
STORE = (["compile"], ["verify", "--store"], ["runs"])
STATE: dict[str, tuple[list[str], ...]] = {
    "mlspec.lock": PLANS,
    ".mlspec/previous": PLANS,
    ".mlspec/holdout.jsonl": PLANS,
    ".mlspec/cache/files.json": PLANS,
    ".mlspec/cache/types/*": PLANS,
    ".mlspec/store/lock": STORE,
    ".mlspec/store/actions/*": STORE,
    ".mlspec/store/objects/*": STORE,
    ".mlspec/store/trees/*": STORE,
    ".mlspec/runs/RUN/run.json": RUNS,
    ".mlspec/runs/RUN/facts.json": RUNS,
    ".mlspec/runs/RUN/events.jsonl": RUNS,
    ".mlspec/runs/RUN/resolved.yaml": RUNS,
    ".mlspec/runs/RUN/report.html": RUNS,
    ".mlspec/runs/RUN/summary.md": RUNS,
    ".mlspec/runs/RUN/seal": RUNS,
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has been run; to be copied, or put in order again."""
    folder = tmp_path_factory.mktemp("made")
    rows = [f"{i % 7},{'abc'[i % 3]},{'u' if (i % 7) * 3 + i % 3 > 9 else 'v'}\n" for i in range(1200)]
    (folder / "d.csv").write_text("x,c,y\n" + "".join(rows))
    (folder / "project.yaml").write_text(SPEC)
    subprocess.run([COMMAND, "run"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, its results taken as made there."""
    folder = tmp_path / "project"
    shutil.copytree(made, folder)
    api.adopt(folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def _bounded() -> Iterator[None]:
    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError("it waits, or reads without end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def first(folder: Path, name: str) -> Path:
    return sorted(folder.glob(name.replace("RUN", "*")))[0]


@pytest.mark.usefixtures("_bounded")
@pytest.mark.parametrize(("name", "commands"), STATE.items(), ids=STATE)
def test_whatever_is_in_place_of_a_state_file(
    name: str,
    commands: tuple[list[str], ...],
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(made)
    path = first(made, name)
    aside = path.with_name("aside")
    path.rename(aside)
    try:
        for what, put in THINGS.items():
            put(path)
            for command in commands:
                code = main(command)
                shown = "".join(capsys.readouterr())
                assert code in (0, 1, 2, 3), (what, command, shown)
                assert "internal error" not in shown, (what, command)
                assert "\x1b" not in shown, (what, command)
                assert "\n::" not in shown, (what, command)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    finally:
        aside.rename(path)


def test_a_damaged_lock_pins_more_than_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mlspec.lock").write_text("<<<<<<< ours\n{}\n")
    for command in (["compile"], ["run"], ["run", "--dry-run"]):
        assert main(command) == 2
        assert capsys.readouterr().err == (
            "error[lock-unreadable]: mlspec.lock can't be read: JSON is malformed: invalid character (byte 0)\n"
            " --> mlspec.lock:1:1\n  |\n1 | <<<<<<< ours\n  | ^\n"
            "  = restore it from version control: git checkout mlspec.lock\n"
            "  = without the file, mlspec run pins the current state\n"
            "  = see: mlspec explain lock-unreadable\n\n1 error\n"
        )
    assert main(["gc"]) == 3
    (project / "mlspec.lock").write_text('{"version": 99}')
    assert main(["compile"]) == 2
    assert "it has version 99, but this mlspec reads 1" in capsys.readouterr().err


def test_results_that_were_copied_are_not_used(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As git, an archive or ``cp -a`` would bring them: anybody could have written them."""
    folder = tmp_path / "cloned"
    subprocess.run(["cp", "-a", made, folder], check=True)
    monkeypatch.chdir(folder)
    assert main(["compile", "--detailed-exitcode"]) == 4
    plan = capsys.readouterr().out
    assert "source.a" in plan
    assert "its stored result was computed elsewhere and is not used (mlspec verify --store --adopt)" in plan
    assert "cached" not in plan
    assert main(["verify", "--store"]) == 1
    out, err = capsys.readouterr()
    assert "was computed elsewhere" in out
    assert "computed elsewhere and not used: the next run computes them here, --adopt accepts them unchanged\n" in err
    for command in (["runs"], ["show"], ["report", "-o", "page.html"]):
        assert main(command) == 0
        assert "note: not computed in this folder, or changed since: " in capsys.readouterr().err
    assert main(["verify", "--store", "--adopt"]) == 0
    assert "computed elsewhere accepted\n" in capsys.readouterr().err
    assert main(["compile", "--detailed-exitcode"]) == 0
    assert main(["show"]) == 0
    assert "note" not in capsys.readouterr().err


def test_a_forged_result_is_not_used(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An action with right digests, as a pull request could add it to a store that is there."""
    store = Store(places.store(places.home(project)))
    gate = next(one for one in store.actions() if one.kind == "gate")
    path = store.root / "actions" / gate.fingerprint
    path.unlink()
    path.write_bytes(actions.encode(gate))
    assert main(["compile"]) == 0
    assert "runs" in next(line for line in capsys.readouterr().out.splitlines() if "gate.quality" in line)
    path.write_bytes(seals.sealed(actions.encode(gate), b"k" * 32))
    assert main(["compile", "--detailed-exitcode"]) == 4


def test_a_key_that_came_along_seals_nothing(project: Path) -> None:
    """The whole store, its key and its seals, as a repository would hold them."""
    key = project / ".mlspec/store/key"
    content = key.read_bytes()
    key.unlink()
    key.write_bytes(content)
    assert main(["compile", "--detailed-exitcode"]) == 4


def compiled(folder: Path, key: str = "") -> str:
    environment = {**os.environ, "KEY": key}
    done = subprocess.run(
        [str(COMMAND), "compile"], cwd=folder, check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def remembered(folder: Path, key: str = "") -> Path:
    """The entry of a plan that is printed again where nothing has changed."""
    old = (folder / "d.csv").stat().st_mtime_ns - 10**10
    for name in ("d.csv", "project.yaml"):
        os.utime(folder / name, ns=(old, old))
    cache = folder / ".mlspec/cache/compile"
    while not (cache.is_dir() and list(cache.iterdir())):  # what has just been written is not relied on
        compiled(folder, key)
    return next(cache.iterdir())


def test_an_answer_that_came_along_is_not_printed(project: Path, tmp_path: Path) -> None:
    entry = remembered(project)
    plan = compiled(project)
    assert "nothing to do" in plan
    # As a user who can write files, but not in this folder as mlspec does: with the seal of another key, or without.
    body = entry.read_bytes()[: -seals.LENGTH].replace(b"nothing to do", b"all is well  ")
    other = tmp_path / "other"
    other.mkdir()
    for forged in (seals.sealed(body, seals.make(other)), body, body + b"0" * 64 + b"\n"):
        entry.write_bytes(forged)
        assert compiled(project) == plan
        assert entry.read_bytes() != forged or b"all is well" not in compiled(project).encode()
    # And with the key that lies there itself, copied like all files of a repository.
    entry.write_bytes(seals.sealed(body, seals.make(project / ".mlspec/cache")))
    key = project / ".mlspec/cache/key"
    content = key.read_bytes()
    key.unlink()
    key.write_bytes(content)
    assert compiled(project) == plan


@pytest.mark.parametrize("link", [".mlspec", ".mlspec/cache", ".mlspec/cache/compile"])
def test_compile_writes_and_removes_nothing_behind_a_link(
    link: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precious = tmp_path / "precious"
    for folder in (precious, precious / "compile", precious / "cache/compile"):
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(80):
            (folder / f"{number}.txt").write_text("mine")
    before = sorted(precious.rglob("*"))
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("d.csv", "project.yaml"):
        shutil.copy(made / name, folder)
        os.utime(folder / name, (1, 1))
    (folder / link).parent.mkdir(parents=True, exist_ok=True)
    (folder / link).symlink_to(precious)
    monkeypatch.chdir(folder)
    assert main(["compile"]) == 0
    assert main(["validate"]) == 0
    assert sorted(precious.rglob("*")) == before


@pytest.mark.parametrize("link", [".mlspec", "store", "store/tmp", "store/locks", "scratch", "runs", "logs/split.log"])
@pytest.mark.parametrize("command", [["gc"], ["run"]], ids=" ".join)
def test_nothing_is_swept_behind_a_link(
    link: str,
    command: list[str],
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    precious = tmp_path / "precious"
    for name in ("tmp/a", "locks", "scratch/a", "runs/20200101T000000Z-0000", "a", "store/tmp/a"):
        (precious / name).mkdir(parents=True)
        (precious / name / "mine.txt").write_text("mine")
    before = sorted(precious.rglob("*"))
    folder = tmp_path / "project"
    (folder / ".mlspec/store").mkdir(parents=True)
    for name in ("d.csv", "project.yaml"):
        shutil.copy(made / name, folder)
    path = folder / ".mlspec" / link if link != ".mlspec" else folder / link
    path.parent.mkdir(exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.symlink_to(precious)
    monkeypatch.chdir(folder)
    assert main(command) == 2
    assert f"error[state-is-a-link]: '{path.relative_to(folder)}' is a link" in capsys.readouterr().err
    assert sorted(precious.rglob("*")) == before


def test_what_is_no_run_is_not_removed_as_an_old_one(project: Path) -> None:
    (project / "project.yaml").write_text(SPEC + "storage: {keep: 1 runs}\n")
    (project / ".mlspec/runs/notes").mkdir()
    (project / ".mlspec/runs/notes/mine.txt").write_text("mine")
    assert main(["gc"]) == 0
    assert (project / ".mlspec/runs/notes/mine.txt").read_text() == "mine"


def test_brought_results_are_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What DVC, or a commit, has laid beside the spec is taken, and never passed off as made here."""
    found = json.loads((first(project, ".mlspec/store/actions/*")).read_bytes().split(b"\n")[1])
    store = Store(places.store(places.home(project)))
    action = next(one for one in store.actions() if one.kind == "source")
    folder = project / "mlspec.results/source.a"
    folder.mkdir(parents=True)
    paths = {}
    for output, digest in action.outputs.items():
        shutil.copy(store.path(digest), folder / output)
        paths[output] = output
    made = {"action": json.loads(actions.encode(action).split(b"\n")[1]), "paths": paths}
    (folder / "made.json").write_text(json.dumps(made))
    (store.root / "actions" / action.fingerprint).unlink()
    assert found
    assert main(["compile"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("source.a"))
    assert "cached" in line
    assert "computed elsewhere, found in mlspec.results" in line
    # One that names files outside its folder, or makes folders there, is none.
    for paths in ({"rows": "../../../d.csv"}, {"rows": "/etc/passwd"}):
        (folder / "made.json").write_text(json.dumps({**made, "paths": paths}))
        assert main(["compile"]) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("source.a"))
        assert "runs" in line


@pytest.mark.slow
def test_a_check_of_the_store_takes_no_collection_for_damage(tmp_path: Path) -> None:
    """Both at once, over and over: what one removes the other must not miss."""
    store = Store(tmp_path / "store")
    for _round in range(2):
        with store.writing():
            for number in range(100):
                with store.stage(["out", "folder"]) as paths:
                    paths["out"].write_text(str(number))
                    paths["folder"].mkdir()
                    (paths["folder"] / "file").write_text(f"in {number}")
                    store.commit(f"{number:064}", paths, identity="i", kind="k", inputs={}, record={}, sync=False)
        begin, collected = threading.Barrier(2), threading.Event()

        def check(begin: threading.Barrier = begin, collected: threading.Event = collected) -> list[upkeep.Damage]:
            begin.wait()
            found = []
            while not collected.is_set():
                found += upkeep.verify(Store(store.root))
            return found

        with ThreadPoolExecutor(1) as other:
            found = other.submit(check)
            begin.wait()
            done = None
            while done is None:
                with contextlib.suppress(StoreError):
                    done = upkeep.collect(Store(store.root), ())
            collected.set()
        assert found.result() == []
        assert done.results == 100


def test_a_store_that_may_not_be_written_can_be_checked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".mlspec/store/lock").unlink()
    shutil.rmtree(project / ".mlspec/store/tmp")
    os.chmod(project / ".mlspec/store", 0o555)
    assert main(["verify", "--store"]) == 0
    os.chmod(project / ".mlspec/store", 0o755)
    assert "none is damaged" in capsys.readouterr().out


def test_a_key_in_the_environment_changes_the_plan_at_once(project: Path) -> None:
    personal = "personal: {c: {kind: quasi_identifier, action: {hash: {key: KEY}}}}, columns: {"
    (project / "project.yaml").write_text(SPEC.replace("columns: {", personal))

    remembered(project, "a" * 20)
    one, again, other = (compiled(project, key * 20) for key in "aab")
    assert one == again
    assert one != other
