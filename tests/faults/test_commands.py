"""What a command writes is the old file or the whole new one: killed, on a full disk, over a device, over its input.

Some of the fault points are tried here; ``python tests/faults/commands.py`` tries all of them, of all commands.
"""

import os
import random
import shutil
import stat
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from tests import hardware

from mlspec import api, paths
from mlspec.cli import main
from mlspec.diagnostics import SpecError
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.testing import faults

SPEC = """\
mlspec: 1
project: {name: small}
constraints: {quality: [{metric: accuracy, at_least: 0.5}]}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {by: stratified, seed: 1}
model:
  checks: "off"
  candidates: {linear: {type: logistic_regression}}
evaluation: {baselines: [majority]}
"""
CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
id: rows
version: 1.0.0
status: active
schema:
  - name: rows
    properties: [{name: b, logicalType: string}, {name: a, logicalType: number}]
"""
START = "import sys; from mlspec.cli import main; sys.exit(main())"
OLD, NEW = "old\n" * 3, "new\n" * 3_000
WRITES = """
import sys
from mlspec.machine import whole_files
try:
    whole_files.replace(sys.argv[1], b"new\\n" * 3_000)
    with whole_files.output(sys.argv[2]) as file:
        file.write(b"new\\n" * 3_000)
except OSError as error:
    sys.exit(f"{error.filename}: {error.strerror.lower()}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    draw = random.Random(4)
    rows = [f"{x:.3f},{draw.choice('pqr')},{'yes' if x > 0 else 'no'}" for x in (draw.gauss(0, 1) for _ in range(90))]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    (tmp_path / "project.yaml").write_text(SPEC)
    (tmp_path / "other.yaml").write_text(SPEC.replace("0.5", "0.6"))
    (tmp_path / "contract.yaml").write_text(CONTRACT)
    for name, lines in (("base", "a\nb\nc\nd\n"), ("ours", "x\nb\nc\nd\n"), ("theirs", "a\nb\nc\ny\n")):
        (tmp_path / name).write_text("{: no spec\n" + lines)
    return tmp_path


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.part"))


def traced(command: list[str], folder: Path, log: Path) -> list[faults.Point]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    try:
        return faults.points(command, folder, log)
    except RuntimeError as error:
        hardware.skip(f"strace can't trace here: {error}")


def spread(points: list[faults.Point], count: int) -> list[faults.Point]:
    """Some of the points, of every kind of call."""
    seen: Counter[str] = Counter()
    ranks = {}
    for point in random.Random(3).sample(points, len(points)):
        ranks[point] = seen[point.call]
        seen[point.call] += 1
    return sorted(ranks, key=lambda point: (ranks[point], point))[:count]


@pytest.mark.parametrize("count", [1, pytest.param(9, marks=pytest.mark.slow)])
def test_killed_or_refused_at_any_call_a_file_is_the_old_or_the_new_one(tmp_path: Path, count: int) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    files = [folder / "one", folder / "two"]
    command = [sys.executable, "-c", WRITES, *map(str, files)]

    def begin() -> None:
        for file in files:
            file.write_text(OLD)

    begin()
    points = traced(command, folder, tmp_path / "log")
    hits = 0
    for way in ("killed", "ENOSPC", "EIO"):
        candidates = points if way == "killed" else faults.fillable(points)
        for point in spread(candidates, count):
            begin()
            if way == "killed":
                ended = faults.killed(command, point, tmp_path / "log")
            else:
                ended = faults.full(command, point, tmp_path / "log", for_good=False, error=way, folder=folder)
            hits += ended.hit
            assert all(file.read_text() in (OLD, NEW) for file in files), (way, point)
            assert len(parts(folder)) <= (way == "killed"), (way, point)
            if way != "killed" and ended.code:
                why = "no space left on device" if way == "ENOSPC" else "input/output error"
                assert ended.output.strip() in [f"{file}: {why}" for file in files], (way, point)
            subprocess.run(command, check=True)
            assert [file.read_text() for file in files] == [NEW, NEW]
            assert parts(folder) == []
    assert hits > 2 * count


COMMANDS = {
    "compile": (("compile", "project.yaml", "--resolved", "-o"), "out.yaml"),
    "diff": (("diff", "project.yaml", "other.yaml", "-o"), "out.md"),
    "profile": (("profile", "rows.csv", "-o"), "out.txt"),
    "contract export": (("contract", "export", "project.yaml", "-o"), "out.yaml"),
    "contract import": (("contract", "import", "contract.yaml", "-o"), "out.yaml"),
    "contract import --write": (("contract", "import", "contract.yaml", "--write"), "project.yaml"),
    "init": (("init", "rows.csv", "--target", "y", "--force", "--no-trial", "-o"), "project.yaml"),
    "merge by lines": (("merge", "base", "ours", "theirs"), "ours"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_can_write_nothing_says_so_and_leaves_the_file(name: str, project: Path) -> None:
    arguments, target = COMMANDS[name]
    path = project / target
    if not path.exists():
        path.write_text(OLD)
    before = path.read_text()
    command = [sys.executable, "-c", START, *arguments, *([target] if arguments[-1].startswith("-") else [])]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 3, done.stderr
    temporary = name in ("diff", "init", "merge by lines")
    said = "no usable temporary directory" if temporary else f"{target}: file too large"
    assert f"error: {said}" in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == before
    assert parts(project) == []


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_table_that_can_not_be_written_leaves_the_one_before(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{ending}"
    path.write_text(OLD)
    script = (
        "import resource, sys; import polars as pl; from mlspec import api\n"
        "frame = pl.DataFrame({'a': range(20_000)})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, 4_096))\n"
        "try: api.write_table(frame, sys.argv[1])\n"
        "except OSError as error: print(error.filename, error.strerror)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == f"{path} File too large\n"
    assert path.read_text() == OLD
    assert parts(tmp_path) == []


def export(target: str) -> int:
    return main(["contract", "export", "project.yaml", "-o", target])


def test_links_are_followed_and_permissions_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    (project / "real").write_text(OLD)
    (project / "real").chmod(0o640)
    (project / "link").symlink_to("real")
    (project / "dangling").symlink_to("later")
    assert export("link") == export("dangling") == 0
    assert (project / "link").is_symlink()
    assert (project / "dangling").is_symlink()
    assert "DataContract" in (project / "real").read_text()
    assert stat.S_IMODE((project / "real").stat().st_mode) == 0o640
    assert (project / "later").read_text() == (project / "real").read_text()
    assert export("x" * 250) == 0
    assert parts(project) == []


def test_a_command_that_confines_itself_writes_where_a_link_leads(project: Path, tmp_path: Path) -> None:
    (project / "spec").mkdir()
    (project / "elsewhere").mkdir()
    for name in ("project.yaml", "rows.csv"):
        (project / name).rename(project / "spec" / name)
    (project / "spec" / "out").symlink_to(project / "elsewhere" / "out.yaml")
    command = [sys.executable, "-c", START, "compile", "spec", "--resolved", "-o", "spec/out"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, cwd=project, check=True, stderr=subprocess.PIPE, env=environment)
    assert "mlspec: 1" in (project / "elsewhere" / "out.yaml").read_text()


REFUSED = {
    "d": "error: d: is a directory",
    "no/x.yaml": "error: no/x.yaml: no such file or directory",
    "loop": "error: loop: too many levels of symbolic links",
}


@pytest.mark.parametrize("target", REFUSED)
def test_what_can_not_be_written(
    target: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    (project / "d").mkdir()
    (project / "loop").symlink_to("other")
    (project / "other").symlink_to("loop")
    assert export(target) == 3
    assert REFUSED[target] in capsys.readouterr().err
    assert (project / "d").is_dir()
    assert (project / "loop").is_symlink()
    assert parts(project) == []


def test_a_read_only_file_stays(project: Path) -> None:
    """To root nothing is read-only, so it gives up that right."""
    limits = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    (project / "out").write_text(OLD)
    (project / "out").chmod(0o444)
    done = subprocess.run(
        [*limits, sys.executable, "-c", START, "contract", "export", "project.yaml", "-o", "out"],
        cwd=project, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "out: permission denied" in done.stderr
    assert (project / "out").read_text() == OLD


INPUTS = (
    ("contract", "export", "project.yaml", "-o", "project.yaml"),
    ("contract", "import", "contract.yaml", "-o", "./contract.yaml"),
    ("compile", "project.yaml", "--resolved", "-o", "link.yaml"),
    ("diff", "project.yaml", "other.yaml", "-o", "other.yaml"),
    ("profile", "rows.csv", "-o", "rows.csv"),
    ("init", "rows.csv", "--target", "y", "--force", "--no-trial", "-o", "rows.csv"),
)


@pytest.mark.parametrize("arguments", INPUTS, ids=" ".join)
def test_no_command_writes_over_what_it_reads(
    arguments: tuple[str, ...], project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    (project / "link.yaml").symlink_to("project.yaml")
    before = {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()}
    assert main(arguments) == 2
    message = f"error[output-is-input]: '{arguments[-1]}' is an input and would be overwritten"
    assert message in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in project.iterdir() if path.is_file()} == before


def test_a_table_is_not_written_over_its_data(tmp_path: Path) -> None:
    import polars as pl

    frame = pl.DataFrame({"a": [1, 2]})
    frame.write_csv(tmp_path / "a.csv")
    with pytest.raises(SpecError, match="would be overwritten"):
        api.write_table(frame.head(1), tmp_path / "a.csv", [tmp_path / "a.csv"])
    assert pl.read_csv(tmp_path / "a.csv").equals(frame)


def test_a_pipe_is_written_to_and_stays_a_pipe(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((project / "pipe").read_text()))
    reader.start()
    assert export("pipe") == 0
    reader.join(60)
    assert "DataContract" in read[0]
    assert stat.S_ISFIFO((project / "pipe").lstat().st_mode)


def test_a_device_is_written_to_and_stays_a_device(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    try:
        for name, minor in (("null", 3), ("full", 7)):
            os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        os.close(os.open("null", os.O_WRONLY))
    except OSError:
        hardware.skip("no device can be made here")
    assert export("null") == 0
    assert export("full") == 3
    assert "error: full: no space left on device" in capsys.readouterr().err
    assert stat.S_ISCHR((project / "null").lstat().st_mode)
    assert stat.S_ISCHR((project / "full").lstat().st_mode)


def test_the_file_behind_stdout_is_added_to(project: Path) -> None:
    (project / "log").write_text("before\n")
    with (project / "log").open("ab") as log:
        command = [sys.executable, "-c", START, "contract", "export", "project.yaml", "-o", "log"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run(command, cwd=project, stdout=log, stderr=subprocess.PIPE, check=True, env=environment)
    assert (project / "log").read_text().startswith("before\nkind: DataContract\n")


def test_what_lies_where_a_part_is_written(tmp_path: Path) -> None:
    """A leftover is removed; a link or another name of somebody's file is never written through."""
    from mlspec.machine import whole_files

    target, part, other = tmp_path / "out", tmp_path / ".out.part", tmp_path / "other"
    other.write_text(OLD)
    for plant in (
        lambda: part.write_text("half of an earlier one"),
        lambda: part.symlink_to(other),
        lambda: part.hardlink_to(other),
        lambda: part.symlink_to(tmp_path / "nowhere"),
    ):
        plant()
        whole_files.replace(target, NEW.encode())
        assert target.read_text() == NEW
        assert other.read_text() == OLD
        assert parts(tmp_path) == []
    part.mkdir()
    with pytest.raises(OSError, match="out") as refused:
        whole_files.replace(target, b"")
    assert refused.value.filename == str(target)
    assert target.read_text() == NEW


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    from mlspec.machine import whole_files

    target = tmp_path / "out"
    target.write_text(OLD)
    with pytest.raises(KeyError), whole_files.output(target) as file:  # noqa: PT012
        file.write(b"half")
        raise KeyError
    assert target.read_text() == OLD
    assert parts(tmp_path) == []


def test_two_writers_at_once(tmp_path: Path) -> None:
    """Each waits for the other: the file is always one of theirs, whole."""
    script = (
        "import sys; from mlspec.machine import whole_files\n"
        "for _ in range(40): whole_files.replace(sys.argv[1], sys.argv[2].encode() * 300_000, sync=False)\n"
    )
    target = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(target), letter], env=environment) for letter in "ab"
    ]
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            content = target.read_text()
            assert content == content[0] * 300_000
    assert [writer.returncode for writer in writers] == [0, 0]
    assert parts(tmp_path) == []


@pytest.mark.parametrize("limit", ["0", "unlimited"], ids=["a full disk", "room"])
def test_a_merge_driver_that_can_not_write_never_counts_as_merged(limit: str, tmp_path: Path) -> None:
    """Git goes on with what OURS holds: that is our own version, and the path stays unmerged."""

    def git(*arguments: str, code: int = 0) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgSign=false"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    spec, theirs = tmp_path / "spec.yaml", SPEC.replace("0.5", "0.6")
    ours = SPEC.replace("{name: small}", "{name: small, goal: ours}")
    git("init", "-q", "-b", "main")
    driver = f"ulimit -f {limit}; '{sys.executable}' -c '{START}' merge %O %A %B %P"
    git("config", "merge.mlspec.driver", driver)
    (tmp_path / ".gitattributes").write_text("spec.yaml merge=mlspec\n")
    for branch, text in (("main", SPEC), ("theirs", theirs), ("ours", ours)):
        if branch != "main":
            git("checkout", "-q", "-b", branch, "main")
        spec.write_text(text)
        git("add", ".")
        git("commit", "-qm", branch)
    if limit == "0":
        assert "CONFLICT (content)" in git("merge", "-q", "--no-edit", "theirs", code=1)
        assert spec.read_text() == ours
        assert git("status", "--porcelain") == "UU spec.yaml\n"
    else:
        git("merge", "-q", "--no-edit", "theirs")
        assert spec.read_text() == ours.replace("0.5", "0.6")
        assert git("status", "--porcelain") == ""
    assert parts(tmp_path) == []


def test_gc_killed_at_any_call_leaves_a_store_that_holds(tmp_path: Path) -> None:
    start = "import sys; from mlspec.testing.small_run import main; sys.exit(main(sys.argv[1:]))"
    made = tmp_path / "made"
    made.mkdir()
    subprocess.run([sys.executable, "-c", start, str(made), "inline"], check=True)
    root = tmp_path / "work"
    shutil.copytree(made, root)
    command = [sys.executable, "-c", START, "gc", str(root / "project.yaml"), "--keep", "0"]
    api.adopt(root / "project.yaml")  # what was copied counts as made elsewhere
    (root / "mlspec.lock").unlink(missing_ok=True)
    points = traced(command, root, tmp_path / "log")
    removals = [point for point in points if point.call in ("unlinkat", "rmdir", "unlink", "rename")]
    for point in spread(removals, 8):
        shutil.rmtree(root)
        shutil.copytree(made, root)
        api.adopt(root / "project.yaml")
        (root / "mlspec.lock").unlink(missing_ok=True)
        faults.killed(command, point, tmp_path / "log")
        store = Store(paths.store(paths.home(root)))
        assert upkeep.verify(store) == [], point
        assert main(["gc", str(root / "project.yaml"), "--keep", "0"]) == 0
        assert os.listdir(store.root / "tmp") == []
        assert list(store.actions()) == []


@pytest.mark.slow
def test_a_run_without_a_report_gets_one_from_the_next(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed, or on a full disk, between its last step and its report; and then found to have nothing to do."""
    monkeypatch.chdir(project)
    assert main(["run", "--backend", "inline"]) == 0
    (run,) = project.glob(".mlspec/runs/*")
    for left_out in ("facts.json", "report.html"):
        (run / left_out).unlink()
    assert main(["report"]) == 2
    capsys.readouterr()
    assert main(["run", "--backend", "inline"]) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert main(["report", "--format", "json"]) == 0
    assert main(["predict", ".", "rows.csv", "-o", "out.csv"]) == 0
    runs = sorted(project.glob(".mlspec/runs/*"))
    assert len(runs) == 2
    # From then on a run that has nothing to do leaves no trace.
    assert main(["run", "--backend", "inline"]) == 0
    assert sorted(project.glob(".mlspec/runs/*")) == runs
