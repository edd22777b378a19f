"""The distribution is `mlspec-compiler`; another project has the plain name on PyPI: no text says to install that."""

import json
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from mlspec import registry

ROOT = Path(__file__).parents[1]
NAME, OURS = "mlspec", "mlspec-compiler"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TEXTS = {".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}

THEIRS = rf"[`'\"]?{NAME}(?![\w./:@-]|`?'s)"
OPTIONS = r"(?:[ \t]+-[^\s|;&`]+(?:[ =](?!['\"`]?mlspec)[^\s|;&`-][^\s|;&`]*)?)*"
WRONG = re.compile(
    rf"""
      \b{NAME}\[(?:{"|".join(EXTRAS)})\b                               # an extra, wherever it is written
    | \b(?:install|add|inject|download)\b(?:{OPTIONS}[ \t]+|\s+){THEIRS}    # pip, pipx, uv, poetry, conda, a sentence
    | \b(?:install|add|inject|download)[ \t](?:[^\s|;&`]+[ \t]+)+{THEIRS}    # among others
    | \b(?:uvx|pipx\s+run|uv\s+tool\s+run)[ \t]+{THEIRS}
    | ^[\s\-,\["']*{NAME}[ ]*(?:[=<>~!]=|[<>]\s*\d)                    # a line of requirements
    | (?:dependencies|requires)\W+(?:["'][^\]\n]*)?{THEIRS}
    | \b(?:version|distribution|metadata|requires|files)\(["']{NAME}["']\)   # importlib.metadata
    """,
    re.VERBOSE | re.MULTILINE,
)
RIGHT = re.compile(rf"\b{OURS}\[([^\]]*)\]")


def texts() -> dict[str, str]:
    """All texts of the tree; of the change log's lines, those that say what was renamed are left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this tree is not a git repository")
    found = {}
    for name in listed.stdout.decode().split("\0"):
        if name and Path(name).suffix in TEXTS and (ROOT / name).is_file():
            found[name] = (ROOT / name).read_bytes().decode("utf-8", "replace")
    log = found["CHANGELOG.md"].splitlines()
    found["CHANGELOG.md"] = "\n".join(line for line in log if OURS not in line)
    return found


def test_no_text_says_to_install_a_strangers_distribution() -> None:
    found = texts()
    assert {"README.md", "action.yml", ".ci/run", "src/mlspec/report/card/card.py"} <= set(found)
    wrong = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0].strip()}"
        for name, text in found.items()
        for match in WRONG.finditer(text)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    [
        f"pip install {NAME}",
        f"pip install -q -c constraints.txt '{NAME}'",
        f"python3 -m pip install --quiet {NAME}",
        f"python -m pip install polars {NAME} torch",
        f"`pip\n  install {NAME}`",
        f'pip install "{NAME}[run]"',
        f"uv add {NAME}",
        f"uv pip install --upgrade {NAME}",
        f"uvx {NAME} validate",
        f"pipx install {NAME}",
        f"pipx run {NAME} diff",
        f"conda install -c conda-forge {NAME}",
        f"Install `{NAME}` first.".replace("I", "i"),
        f"{NAME}==0.1.0",
        f"  - {NAME}>=0.1",
        f"additional_dependencies: [{NAME}]",
        f'dependencies = ["click", "{NAME}"]',
        f"version({NAME!r})",
    ],
)
def test_what_the_search_finds(text: str) -> None:
    assert WRONG.search(text)
    assert not WRONG.search(text.replace(NAME, OURS))


def test_every_extra_that_a_text_names_exists() -> None:
    named = {
        extra.strip()
        for name, text in texts().items()
        if not name.startswith("tests/")
        for match in RIGHT.finditer(text)
        for extra in match[1].split(",")
        if not match[1].startswith("{")
    }
    assert {"run", "sql", "stores", "privacy", "dvc", "mlflow"} <= named
    assert named <= set(EXTRAS)
    assert PROJECT["name"] == OURS
    assert PROJECT["scripts"] == {NAME: "mlspec.cli:main"}


def test_the_extra_of_a_plug_in_has_its_libraries() -> None:
    def brought(extra: str) -> set[str]:
        return {re.split(r"[\[<>=~!; ]", line, maxsplit=1)[0] for line in EXTRAS[extra]}

    for kind in registry.KINDS:
        for name, cls in registry.usable(kind):
            lacking = set(cls.libraries) - brought("run") - brought(cls.extra) - {"scipy"}  # comes with scikit-learn
            assert not lacking, (name, cls.extra, lacking)


@pytest.mark.parametrize(
    ("folder", "files", "told"),
    [
        (
            "mlspec-0.13.0.dist-info",
            {"RECORD": "mltk/__init__.py,sha256=x,1\n", "entry_points.txt": "[console_scripts]\nmltk=mltk.cli:main\n"},
            "has the distribution 'mlspec' 0.13.0, another project's: pip uninstall mlspec (this program is"
            " mlspec-compiler)",
        ),
        (
            "mlspec-1.0.dist-info",
            {"RECORD": "../../../bin/mlspec,sha256=x,1\nmlspec/__init__.py,sha256=x,1\n"},
            "has the distribution 'mlspec' 1.0, another project's, with files in place of this program's: pip uninstall"
            " mlspec, then pip install --force-reinstall mlspec-compiler",
        ),
        (
            "mlspec-0.1.0.dist-info",
            {"entry_points.txt": "[console_scripts]\nmlspec = mlspec.cli:main\n"},
            "has the distribution 'mlspec' 0.1.0, this program under its old name: pip uninstall mlspec, then pip"
            " install --force-reinstall mlspec-compiler",
        ),
        ("mlspec_compiler-0.1.0.dist-info", {}, None),
        ("mlspecs-0.1.0.dist-info", {}, None),
    ],
)
def test_the_doctor_warns_of_another_distribution_of_the_name(
    tmp_path: Path, folder: str, files: dict[str, str], told: str | None
) -> None:
    python, site = environment(tmp_path)
    (site / folder).mkdir()
    for name, text in files.items():
        (site / folder / name).write_text(text)
    program = "import sys; from mlspec.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [python, "-P", "-c", program, "doctor", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [entry for entry in json.loads(done.stdout) if entry["what"] == "another mlspec"]
    expected = {"what": "another mlspec", "state": "warning", "text": f"{site} {told}"}
    assert found == ([expected] if told else [])


def environment(folder: Path) -> tuple[Path, Path]:
    """A virtual environment of its own that sees this tree and the libraries here: its Python and its site folder."""
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    seen = [str(ROOT / "src"), str(ROOT / "backends"), *(path for path in sys.path if path.endswith("-packages"))]
    (site / "here.pth").write_text("\n".join(seen) + "\n")
    return folder / "venv/bin/python", site
