"""The action's own command line on hostile pull requests: the steps of action.yml in a clone, as the host runs them."""

import importlib.util
import os
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest


def _module(name: str, file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


attacks = _module("attacks_git", Path(__file__).with_name("test_git.py"))
action = _module("diff_action", Path(__file__).parents[1] / "diff/test_action.py")
SECRET = "ghs_planted_token_0123456789"
SPEC, LOOSE, ROWS = attacks.SPEC, attacks.LOOSE, attacks.ROWS
# Of what it reads it makes a message: all values of a column that has no value "none".
TALKATIVE = SPEC.replace(
    "{path: people.csv}", r'{format: csv, path: people.csv, names: [income], separator: "\u0001"}'
).replace("{target: income}", "{target: income, positive: none}")
STEPS = action.ACTION["runs"]["steps"]
PROGRAMS = (
    *("git", "mlspec", "python3", "python", "bash", "sh", "env", "realpath", "mktemp", "cat", "pip"),
    *("gh", "head", "tail", "iconv", "sed", "grep", "mv", "rm", "cksum", "base64", "tr"),
)
MODULES = ("mlspec", "mlspec_backends", "msgspec", "click", "json", "pip", "venv", "ensurepip", "sitecustomize", "evil")
ENTRY_POINTS = "".join(f"[mlspec.{kind}]\nevil = evil:X\n" for kind in ("models", "sources", "steps"))


@pytest.fixture(name="origin")
def origin_fixture(tmp_path: Path) -> Path:
    """The repository that is attacked, on a branch off main."""
    folder = tmp_path / "origin"
    folder.mkdir()
    attacks.git(folder, "init", "-q", "-b", "main")
    attacks.commit(folder, {"specs/a/project.yaml": SPEC, "specs/a/people.csv": ROWS})
    return folder


@pytest.fixture(name="trap")
def trap_fixture(tmp_path: Path) -> Path:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\n: >{tmp_path}/sprung\n")
    trap.chmod(0o755)
    return trap


def tricks(origin: Path, tmp_path: Path, trap: Path) -> str:
    """All that one commit can bring; the base is returned."""
    base = str(attacks.embed(origin, tmp_path, trap))
    for folder in (origin, origin / "bin", origin / "specs/a"):
        folder.mkdir(exist_ok=True)
        for name in PROGRAMS:
            shutil.copy(trap, folder / name)
    code = f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n"
    for folder in ("", "specs/a/"):
        files = {f"{name}.py": code for name in MODULES} | dict.fromkeys((base, "main"), LOOSE)
        files["evil-1.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: evil\nVersion: 1\n"
        files["evil-1.dist-info/entry_points.txt"] = ENTRY_POINTS
        attacks.write(origin, {f"{folder}{name}": text for name, text in files.items()})
    attacks.write(origin, {"HEAD": LOOSE, "specs/a/\n::error::planted": "", "specs/a/\x1b[2J.csv": ROWS})
    return base


def run(origin: Path, tmp_path: Path, base: str, values: dict[str, str], *, depth: str = "") -> tuple[int, Any]:
    """What the action makes of the branch, where somebody has put folders of the checkout on both paths."""
    clone = attacks.clone(origin, tmp_path)
    if depth:
        shutil.rmtree(clone)
        attacks.git(tmp_path, "clone", "-q", "--depth", depth, f"file://{origin}", str(clone))
    scratch = tmp_path / "scratch"
    path = os.pathsep.join([f"{clone}/bin", ".", "", str(scratch / "bin"), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": f"{clone}{os.pathsep}.", "GITHUB_TOKEN": SECRET, "GITHUB_ACTIONS": "true"}
    runner = action.Runner(clone, scratch, **own)
    given = {f"inputs.{name}": str(about.get("default", "")) for name, about in action.ACTION["inputs"].items()}
    given |= {
        "inputs.package": "installed",
        "inputs.spec": "specs/a/project.yaml",
        "github.event.pull_request.base.sha": base,
    }
    return runner.run(STEPS, given), runner


@pytest.mark.parametrize(("comment", "depth"), [("artifact", ""), pytest.param("direct", "1", marks=pytest.mark.slow)])
def test_a_pull_request_that_tries_everything_is_stopped(
    origin: Path, tmp_path: Path, trap: Path, comment: str, depth: str
) -> None:
    base = tricks(origin, tmp_path, trap)
    attacks.commit(origin, {"specs/a/project.yaml": LOOSE})
    values = {"inputs.comment": comment, "github.event.pull_request.number": "7", "github.repository": "o/r"}
    code, runner = run(origin, tmp_path, base, values | {"github.token": SECRET}, depth=depth)
    assert code == 1, runner.log
    assert runner.outputs["compare"]["failing"] == "true"
    assert "⛔ **Blocked: 1 change (loosened) not accepted**" in runner.log
    assert not attacks.sprung(trap)
    assert SECRET not in runner.log
    assert "\x1b" not in runner.log
    assert [line for line in runner.log.splitlines() if line.startswith("::error::")] == []


def test_a_file_called_like_the_comparison_stops_it(origin: Path, tmp_path: Path) -> None:
    base = attacks.git(origin, "rev-parse", "HEAD")
    attacks.commit(origin, {"specs/a/project.yaml": LOOSE, f"{base}...": LOOSE})
    code, runner = run(origin, tmp_path, base, {})
    assert code == 2
    assert f"error[unknown-revision]: '{base}...' is both a file and a revision" in runner.log


@pytest.mark.parametrize("target", ["/proc/self/environ", "../../.git/config", "../../../secret"])
@pytest.mark.parametrize("name", ["project.yaml", "people.csv"])
def test_a_link_prints_nothing_of_what_it_leads_to(origin: Path, tmp_path: Path, name: str, target: str) -> None:
    base = attacks.git(origin, "rev-parse", "HEAD")
    (tmp_path / "secret").write_text(f"{SECRET}=1\n")
    attacks.write(origin, {"specs/a/project.yaml": TALKATIVE})
    (origin / "specs/a" / name).unlink()
    (origin / "specs/a" / name).symlink_to(target)
    attacks.commit(origin, {"people.csv": ROWS})
    code, runner = run(origin, tmp_path, base, {})
    assert code == 2, runner.log
    assert "folder" not in runner.outputs.get("compare", {})
    for secret in (SECRET, "repositoryformatversion"):
        assert secret not in runner.log


@pytest.mark.slow
def test_pip_is_not_taken_from_the_pull_request(origin: Path, tmp_path: Path, trap: Path) -> None:
    base = tricks(origin, tmp_path, trap)
    attacks.commit(origin, {"specs/a/project.yaml": LOOSE})
    wheel = tmp_path / "installed-1-py3-none-any.whl"
    about = "installed-1.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("installed.py", "import sys\ndef main():\n    print('installed', sys.prefix)\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: installed\nVersion: 1\n")
        wheel_of = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{about}/WHEEL", wheel_of)
        archive.writestr(f"{about}/entry_points.txt", "[console_scripts]\nmlspec = installed:main\n")
        archive.writestr(f"{about}/RECORD", "")
    clone = attacks.clone(origin, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    base_python = Path(sysconfig.get_config_var("BINDIR")) / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (tools / "python3").write_text(f'#!/bin/sh\nexec {base_python} "$@"\n')
    (tools / "python3").chmod(0o755)
    path = os.pathsep.join([f"{clone}/bin", ".", str(tools), "/usr/bin", "/bin"])
    given = {"inputs.package": str(wheel), "github.event.pull_request.base.sha": base}
    runner = action.Runner(clone, tmp_path / "scratch", PATH=path, PYTHONPATH=str(clone), PIP_NO_INDEX="1")
    assert runner.run(STEPS[:1], given) == 0, runner.log
    assert f"installed {tmp_path}/scratch/mlspec." in runner.log
    assert not attacks.sprung(trap)


@pytest.mark.parametrize("target", ["/proc/self/environ", "../secret"])
def test_the_comment_is_no_link_to_what_its_job_can_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n<!-- mlspec:diff:x -->\n")
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact/comment.md").symlink_to(target)
    where = {"GITHUB_ACTION_PATH": str(action.ROOT / ".github/actions/comment")}
    runner = action.Runner(tmp_path, tmp_path / "scratch", **where)
    given = {"inputs.folder": "artifact", "inputs.number": "7", "github.repository": "o/r"}
    steps = action.yaml.safe_load((action.ROOT / ".github/actions/comment/action.yml").read_text())["runs"]["steps"]
    assert runner.run(steps, given) == 1
    assert "comment.md is no regular file" in runner.log
    assert not (tmp_path / "scratch/gh.log").exists()
