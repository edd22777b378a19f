"""However a command is called and wherever its output goes, it ends in one of its exit codes, and never in that of a
constraint that does not hold."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests import hardware

from mlspec.cli import main
from mlspec.cli._commands import Commands

ROOT = Path(__file__).parents[2]
COMMAND = Path(sysconfig.get_path("scripts")) / "mlspec"
FULL = hardware.needs(os.path.exists("/dev/full"), "there is no device that is always full")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LOCALES: dict[str, dict[str, str]] = {
    "C": ASCII,
    "POSIX": {**ASCII, "LC_ALL": "POSIX"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ascii, strict": {"PYTHONIOENCODING": "ascii:strict"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "penguins"
    shutil.copytree(ROOT / "specs/penguins", folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    return folder


def bash(script: str, cwd: Path, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    whole = f"mlspec() {{ '{COMMAND}' \"$@\"; }}\n{script}"
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        ["bash", "-c", whole], cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    return done


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(("command", "code"), [("compile --detailed-exitcode", 4), ("validate no", 2)])
def test_a_closed_stream_changes_no_exit_code(closed: str, command: str, code: int, project: Path) -> None:
    assert bash(f"(mlspec {command} {closed})", project).returncode == code


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What is printed, by us or by a child process, would end up in it."""
    script = "import os, sys; from mlspec.cli import main; main(['runs']); sys.exit(os.open(os.devnull, os.O_RDONLY))"
    done = bash(f'exec {sys.executable} -c "{script}" >&- 2>&- <&-', tmp_path)
    assert done.returncode == 3


@FULL
@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        ("mlspec compile >/dev/full", 3, "error: the output can't be written: no space left on device\n"),
        ("mlspec schema >/dev/full", 3, "error: the output can't be written: no space left on device\n"),
        ("mlspec compile >&0 </dev/null", 3, "error: the output can't be written: bad file descriptor\n"),
        ("mlspec validate 2>/dev/full", 0, ""),
        ("mlspec validate no.yaml 2>/dev/full", 2, ""),
        ("mlspec compile >/dev/full 2>&1", 3, ""),
    ],
)
def test_a_stream_that_cannot_be_written_is_reported_in_a_line(
    script: str, code: int, told: str, project: Path
) -> None:
    done = bash(script, project)
    assert (done.returncode, done.stderr) == (code, told)


@pytest.mark.parametrize("command", ["schema", "compile --format html", "validate --help"])
def test_a_reader_that_goes_away_is_not_a_constraint_that_does_not_hold(command: str, project: Path) -> None:
    done = bash(f"(mlspec {command}) | sleep 0; exit ${{PIPESTATUS[0]}}", project)
    assert done.returncode in (0, 141)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("script", "named"),
    [
        (r"mlspec validate $'\xff\xfe.csv'", r"'\u{dcff}\u{dcfe}.csv'"),
        (r"mlspec validate --set $'a=\xff'", r"'a=\u{dcff}'"),
        (r"mlspec run --backend $'\xff'", r"'\u{dcff}'"),
        (r"mlspec profile $'caf\xe9.csv'", r"'caf\u{dce9}.csv'"),
        (r"mlspec $'\xff'", r"'\u{dcff}'"),
    ],
)
def test_arguments_that_are_no_text_are_a_diagnostic(script: str, named: str, project: Path) -> None:
    done = bash(script, project)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error[name-not-utf-8]: {named} is not UTF-8 text\n"
        "  = rename the file or folder\n  = see: mlspec explain name-not-utf-8\n\n1 error\n"
    )


def test_a_name_in_utf_8_where_the_locale_has_none(project: Path) -> None:
    done = bash("mlspec validate é.yaml", project, ASCII)
    assert done.returncode == 2
    assert "  = names are read as ascii here: PYTHONUTF8=1, or a locale with UTF-8, changes that\n" in done.stderr


def test_a_folder_whose_name_is_no_text(project: Path) -> None:
    odd = os.fsdecode(os.fsencode(project.parent) + b"/caf\xe9")
    project.rename(odd)
    assert bash("mlspec compile", Path(odd)).returncode == 0
    done = bash("mlspec doctor", Path(odd))
    assert r"/caf\u{dce9} is writable" in done.stdout


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_a_locale_without_utf_8(locale: dict[str, str], project: Path) -> None:
    (project / "other.yaml").write_text('{"é–→ 日本": 1}\n', encoding="utf-8")
    done = bash("mlspec compile", project, locale)
    assert (done.returncode, done.stderr) == (0, "")
    done = bash("mlspec validate other.yaml; mlspec validate other.yaml --format json", project, locale)
    assert done.returncode == 2
    assert "unknown key 'é–→ 日本' in the spec" in [d["message"] for d in json.loads(done.stdout)["diagnostics"]]


@pytest.mark.parametrize("command", ["validate", "diff", "doctor", "gc"])
def test_a_working_folder_that_is_gone(command: str, tmp_path: Path) -> None:
    done = bash(f"mkdir gone; cd gone; rmdir ../gone; mlspec {command}", tmp_path)
    assert done.returncode in (2, 3)
    assert "error" in done.stderr


@pytest.mark.parametrize(
    "env", [{"HOME": ""}, {"TERM": "\x1b[31m"}, {"COLUMNS": "0"}, {"COLUMNS": "-3"}, {"LINES": "x"}]
)
def test_an_odd_environment(env: dict[str, str], project: Path) -> None:
    for command in ("compile", "--help"):
        assert bash(f"mlspec {command}", project, env).returncode == 0


@pytest.mark.parametrize(
    "command",
    ["validate", "compile", "verify", "diff pipe", "profile", "contract export", "contract import", "predict ."],
)
def test_a_pipe_in_place_of_a_file_is_not_waited_for(command: str, project: Path) -> None:
    done = bash(f"mkfifo pipe; timeout 60 '{COMMAND}' {command} pipe", project)
    assert done.returncode == 2
    assert done.stderr.startswith("error[")


class Panic(BaseException):
    """As Rust's panics come to Python: no Exception."""


@pytest.mark.parametrize(
    "error", [Panic("a\n::error::b"), RecursionError(), MemoryError(), GeneratorExit(), ValueError("\x1b]0;x\x07")]
)
@pytest.mark.parametrize("traceback", ["", "1"])
def test_a_crash_is_exit_70(
    error: BaseException, traceback: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(Commands, "invoke", broken)
    monkeypatch.setenv("MLSPEC_TRACEBACK", traceback)
    assert main(["doctor"]) == 70
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) is bool(traceback)
    assert shown.splitlines()[-1].startswith(f"internal error: {type(error).__name__}: ")
    assert not any(line.startswith("::") for line in shown.splitlines())
    assert "\x1b" not in shown
