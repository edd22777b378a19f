"""What a stranger's spec may have read: regular files of its own work tree, and none of git's or mlspec's own."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlspec import api
from mlspec.cli import main
from mlspec.diagnostics import SpecError

MEMORY = 800 << 20
SECRET = "ghs_S3CRET"
LEAK = f"{SECRET},x\n{SECRET}1,1\n{SECRET}2,2\n{SECRET}1,3\n"
ROWS = "x,y\n" + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(40))
SPEC = """\
mlspec: 1
project: {{name: p, goal: g, task: binary_classification}}
constraints: {{quality: [{{metric: balanced_accuracy, at_least: 0.5}}]}}
data:
  sources: {{a: {{{source}}}}}
  columns: {{target: {target}, positive: zzz}}
model: {{candidates: {{l: {{type: logistic_regression}}}}}}
"""
GOOD = SPEC.format(source="path: d.csv", target="y").replace(", positive: zzz", "")


def project(root: Path, source: str, target: str = SECRET) -> Path:
    """A repository with a spec in a folder of it, and files beside it that are nobody's business."""
    top = root / "repository"
    spec = top / "project" / "project.yaml"
    spec.parent.mkdir(parents=True)
    git_dir(top / ".git")
    (root / "secret.csv").write_text(LEAK)
    (root / "secrets").mkdir()
    (root / "secrets" / "token.csv").write_text(LEAK)
    (spec.parent / "d.csv").write_text(ROWS)
    spec.write_text(SPEC.format(source=source, target=target))
    return spec


def git_dir(path: Path) -> None:
    """What makes a folder a git directory, with a token in its configuration."""
    path.mkdir(parents=True)
    (path / "HEAD").write_text("ref: refs/heads/main\n")
    (path / "config").write_text(LEAK)


def link(to: str) -> Callable[[Path], None]:
    """A link beside the spec that leads elsewhere."""

    def make(folder: Path) -> None:
        (folder / "link").symlink_to(to)

    return make


def linked_folder(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "a.csv").symlink_to("../../../secret.csv")


def nested(folder: Path) -> None:
    git_dir(folder / "inner" / ".git")


def renamed_git(folder: Path) -> None:
    """A work tree whose git directory has another name: ``.git`` is a file that says which."""
    (folder.parent / ".git").rename(folder.parent / "hidden")
    (folder.parent / ".git").write_text(f"gitdir: {folder.parent / 'hidden'}\n")


def common_dir(folder: Path) -> None:
    """A linked work tree: its git directory is one thing, what it shares with others is another."""
    own = folder.parent / ".git"
    git_dir(folder.parent / "common")
    (own / "commondir").write_text("../common\n")


def own_files(folder: Path) -> None:
    (folder / ".mlspec").mkdir()
    (folder / ".mlspec" / "x.csv").write_text(LEAK)


def pictures(folder: Path) -> None:
    (folder / "texts" / "u").mkdir(parents=True)
    (folder / "texts" / "u" / "a.txt").symlink_to("../../../../secret.csv")


def database(folder: Path) -> None:
    import sqlite3

    with sqlite3.connect(folder.parent.parent / "secret.db") as connection:
        connection.execute(f'CREATE TABLE t ("{SECRET}" TEXT, x INT)')
        connection.execute(f"INSERT INTO t VALUES ('{SECRET}', 1)")
    connection.close()


CSV = "format: csv, path: "
READS: dict[str, tuple[str, Callable[[Path], None] | None]] = {
    "above the repository": (f"{CSV}../../secret.csv", None),
    "an absolute path": (f"{CSV}{{root}}/secret.csv", None),
    "a pattern that begins above it": (f"{CSV}'../../*.csv'", None),
    "a folder above it": (f"{CSV}../../secrets", None),
    "a link": (f"{CSV}link", link("../../secret.csv")),
    "a link to an absolute path": (f"{CSV}link", link("/proc/self/environ")),
    "through a linked folder": (f"{CSV}link/token.csv", link("../../secrets")),
    "a linked folder": (f"{CSV}link", link("../../secrets")),
    "a link among the files of a pattern": (f"{CSV}'parts/*.csv'", linked_folder),
    "a link among the files of a folder": (f"{CSV}parts", linked_folder),
    "a link among texts": ("format: texts, path: texts", pictures),
    "git's configuration": (f"{CSV}../.git/config", None),
    "a pattern within git's folder": (f"{CSV}'../.git/*'", None),
    "a link into git's folder": (f"{CSV}link", link("../.git/config")),
    "a repository within": (f"{CSV}inner/.git/config", nested),
    "git's folder by another name": (f"{CSV}../hidden/config", renamed_git),
    "the common folder of work trees": (f"{CSV}../common/config", common_dir),
    "upper case": (f"{CSV}.GIT/config", lambda folder: git_dir(folder / ".GIT")),
    "mlspec's own files": (f"{CSV}.mlspec/x.csv", own_files),
    "the environment": (f"{CSV}/proc/self/environ", None),
    "an archive": ("format: texts, path: ../../secret.zip", None),
    "Parquet": ("path: ../../secret.parquet", None),
    "SQLite": ('connection: "sqlite:../../secret.db", table: t', database),
    "DuckDB": ('connection: "duckdb:../../secret.db", table: t, schema: {x: integer}', database),
    "a fallback": ("path: 'https://example.org/a.csv', fallback: ../../secret.csv", None),
}


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that must not read a file."""
    assert main(command) == 2
    told = "".join(capsys.readouterr())
    assert "file-outside" in told
    assert SECRET not in told.replace(f"target: {SECRET}", "")  # the spec says that itself
    return told


@pytest.mark.parametrize("command", ["validate", "compile"])
@pytest.mark.parametrize("what", READS)
def test_a_source_that_leads_elsewhere_is_not_read(
    what: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, prepare = READS[what]
    spec = project(tmp_path, source.replace("{root}", str(tmp_path)))
    if prepare is not None:
        prepare(spec.parent)
    told = refused([command, str(spec)], capsys)
    assert "project.yaml:5:" in told
    assert " is outside " in told or " is inside " in told
    assert "--allow-outside" in told


def test_what_is_said_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = project(tmp_path, f"{CSV}../../secret.csv")
    monkeypatch.chdir(spec.parent)
    assert refused(["validate"], capsys) == (
        "error[file-outside]: '../../secret.csv' is outside the repository\n"
        " --> project.yaml:5:36\n"
        "  |\n"
        "5 |   sources: {a: {format: csv, path: ../../secret.csv}}\n"
        "  |                                    ^^^^^^^^^^^^^^^^\n"
        "  = add --allow-outside if you trust this spec; `mlspec run` reads any path in the spec\n"
        "  = see: mlspec explain file-outside\n"
        "\n"
        "1 error\n"
    )
    assert main(["explain", "file-outside"]) == 0
    assert "--allow-outside" in capsys.readouterr().out


def test_a_profile_and_a_setting_lead_no_further(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, "path: d.csv", "y")
    refused(["validate", str(spec), "--set", "data.sources.a.path=../../secret.csv"], capsys)
    spec.write_text(GOOD + "profiles: {ci: {data: {sources: {a: {path: ../../secret.csv}}}}}\n")
    assert main(["validate", str(spec)]) == 0
    refused(["validate", str(spec), "--profile", "ci"], capsys)


def test_other_commands_that_show_data_do_not_read_it_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = project(tmp_path, f"{CSV}../../secret.csv")
    for command in (["profile", str(spec)], ["contract", "export", str(spec)]):
        refused(command, capsys)


def test_what_is_allowed_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, f"{CSV}../../secret.csv")
    for command in (["validate"], ["compile"], ["profile"]):
        assert main([*command, str(spec), "--allow-outside"]) == 2
        assert f"one of {SECRET}1, {SECRET}2" in capsys.readouterr().err
    with pytest.raises(SpecError, match="the target has no value 'zzz'"):
        api.validate(spec, allow_outside=True)
    with pytest.raises(SpecError, match="the target has no value 'zzz'"):
        api.validate(spec, running=True)


def test_files_of_the_repository_are_read_wherever_they_are_in_it(tmp_path: Path) -> None:
    spec = project(tmp_path, "path: d.csv", "y")
    (spec.parent.parent / "data").mkdir()
    (spec.parent.parent / "data" / "d.csv").write_text(ROWS)
    (spec.parent / "link").symlink_to("../data/d.csv")
    for path in ("d.csv", "../data/d.csv", str(spec.parent.parent / "data" / "d.csv"), "'../data/*.csv'"):
        spec.write_text(GOOD.replace("path: d.csv", f"path: {path}"))
        assert api.compile(spec).plan is not None
    spec.write_text(GOOD.replace("path: d.csv", "format: csv, path: link"))
    assert api.compile(spec).plan is not None


def test_without_a_repository_the_folder_is_the_border(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "project" / "project.yaml"
    spec.parent.mkdir()
    (tmp_path / "d.csv").write_text(LEAK)
    spec.write_text(SPEC.format(source="path: ../d.csv", target=SECRET))
    assert "is outside the spec's folder" in refused(["validate", str(spec)], capsys)


def test_an_answer_that_was_kept_is_not_given_to_another_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = project(tmp_path, "path: ../../d.csv", "y")
    spec.write_text(GOOD.replace("d.csv", "../../d.csv"))
    (tmp_path / "d.csv").write_text(ROWS)
    for path in (spec, tmp_path / "d.csv"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    for _ in range(2):
        assert main(["compile", str(spec), "--allow-outside"]) == 0
    capsys.readouterr()
    refused(["compile", str(spec)], capsys)


def test_no_foreign_folder_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, f"{CSV}../../secrets/tokem.csv")
    for options in ([], ["--allow-outside"]):
        assert main(["validate", str(spec), *options]) == 2
        assert "token.csv" not in "".join(capsys.readouterr())
    spec.write_text(spec.read_text().replace("../../secrets/tokem.csv", "e.csv"))
    assert main(["validate", str(spec)]) == 2
    assert "did you mean 'd.csv'?" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["source", "model", "imported by a model"])
def test_code_that_is_elsewhere_is_not_read(how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, "path: d.csv", "y")
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("class Net:\n    pass\n\n\ndef rows():\n    pass\n")
    (spec.parent / ("other.py" if "imported" in how else "own.py")).symlink_to(elsewhere)
    text = GOOD
    if "model" in how:
        text = text.replace("type: logistic_regression", "type: python, code: 'own:Net'")
    else:
        text = text.replace("path: d.csv", "code: 'own:rows', schema: {x: integer, y: category}")
    if "imported" in how:
        (spec.parent / "own.py").write_text("import other\n\n\nclass Net:\n    pass\n")
    spec.write_text(text)
    refused(["compile", str(spec)], capsys)


def test_a_lock_that_is_elsewhere_is_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, "path: d.csv", "y")
    (tmp_path / "accepted.lock").write_text(f'{{"spec": "{SECRET}"}}')
    (spec.parent / "accepted.lock").symlink_to("../../accepted.lock")
    spec.write_text(GOOD + "evaluation: {baselines: [majority, previous]}\n")
    refused(["compile", str(spec)], capsys)
    # What mlspec.lock tells of a source shows its columns.
    columns = {f"{SECRET}": "category", "x": "integer"}
    source = "path: 'https://example.org/a.csv'"
    spec.write_text(GOOD.replace("path: d.csv", source))
    use = api_use(spec)
    lock = f'{{"sources": {{"a": {{"source": "{use}", "files": {{"f": "d"}}, "columns": {columns!r}}}}}}}'
    (tmp_path / "mlspec.lock").write_text(lock.replace("'", '"'))
    (spec.parent / "mlspec.lock").symlink_to("../../mlspec.lock")
    assert main(["validate", str(spec)]) == 2
    told = "".join(capsys.readouterr())
    assert SECRET not in told
    assert "lock-unreadable" in told


def api_use(spec: Path) -> str:
    """The identity of a spec's source, as mlspec.lock pins it."""
    from mlspec.spec import pinned
    from mlspec.spec.read import read

    return pinned.identity(read(spec)[0].data.sources["a"])


def test_a_spec_that_is_a_link_to_a_secret_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = project(tmp_path, "path: d.csv", "y")
    (tmp_path / "netrc").write_text(f"machine: x: {SECRET}\n")
    for target in ("../../netrc", "../.git/config"):
        spec.unlink()
        spec.symlink_to(target)
        for command in (["validate"], ["compile"]):
            refused([*command, str(spec)], capsys)
    (spec.parent / "old.yaml").write_text(GOOD)
    assert main(["diff", str(spec.parent / "old.yaml"), str(spec)]) == 2
    told = "".join(capsys.readouterr())
    assert "it is a link that leads out of the work tree" in told
    assert SECRET not in told


def test_diff_reads_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull request that makes the data a link: the base comes from git, the head from the work tree."""
    spec = project(tmp_path, "path: d.csv", "y")
    spec.write_text(GOOD)
    top = spec.parent.parent
    for path in (top / ".git").iterdir():
        path.unlink()

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *who, *arguments], cwd=top, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "base")
    monkeypatch.chdir(spec.parent)
    assert main(["diff"]) == 0
    (spec.parent / "d.csv").unlink()
    (spec.parent / "d.csv").symlink_to("../../secret.csv")
    refused(["diff"], capsys)
    git("add", ".")
    git("commit", "-qm", "head")
    refused(["diff", "HEAD~1"], capsys)
    refused(["diff", "HEAD~1", "HEAD"], capsys)
    (spec.parent / "d.csv").unlink()
    (spec.parent / "d.csv").write_text(ROWS)
    spec.write_text(GOOD.replace("d.csv", "../../secret.csv"))
    refused(["diff"], capsys)
    spec.write_text(GOOD.replace("logistic_regression", "python, code: 'own:Net'"))
    (spec.parent / "own.py").symlink_to("../../secret.csv")
    refused(["diff"], capsys)


STRANGE: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a link to an endless device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("place", ["source", "spec", "lock", "code", "digests"])
@pytest.mark.parametrize("what", STRANGE)
def test_what_is_no_regular_file_is_never_waited_for(what: str, place: str, tmp_path: Path) -> None:
    """Run as a program, because on a pipe that nobody writes to a reader waits for ever."""
    spec = project(tmp_path, "path: d.csv", "y")
    text, name = (
        GOOD,
        {"lock": "mlspec.lock", "code": "own.py", "digests": ".mlspec/cache/files.json"}.get(place, "a.csv"),
    )
    if place == "source":
        text = text.replace("d.csv", "a.csv")
    if place == "code":
        text = text.replace("type: logistic_regression", "type: python, code: 'own:Net'")
    spec.write_text(text)
    path = spec.parent / ("strange.yaml" if place == "spec" else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    STRANGE[what](path)
    # A run may read files anywhere, and yet no such one.
    code, told = program("run", "--dry-run", str(path if place == "spec" else spec))
    assert code == 2 or place not in ("source", "spec")
    assert code in (0, 2, 3)
    assert "Traceback" not in told
    assert "internal error" not in told


def test_a_socket_is_no_source(tmp_path: Path) -> None:
    spec = project(tmp_path, "path: a.csv", "y")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(spec.parent)  # such a path is short
        try:
            listener.bind("a.csv")
        finally:
            os.chdir(here)
        code, told = program("validate", str(spec))
    assert code == 2
    assert "can't be read: Not a regular file" in told


def program(*arguments: str) -> tuple[int, str]:
    """A command run as a program: its exit code and what it says."""
    start = "import sys; from mlspec.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", start, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )
    return done.returncode, done.stdout + done.stderr
