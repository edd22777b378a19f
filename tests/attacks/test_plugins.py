"""Plug-ins, and modules of the names of ours, that are in a working folder: none of them is run."""

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
import venv
from pathlib import Path

import pytest

import mlspec
import mlspec_backends

SPEC = """\
mlspec: 1
project: {{name: p, goal: g}}
data:
  sources: {{rows: {{path: rows.csv}}}}
  columns: {{target: y}}
model: {{candidates: {{one: {{type: {kind}}}}}}}
"""
PLUGIN = """
open({ran!r}, "a").write({who!r} + "\\n")
from typing import ClassVar
from mlspec.plugins.model import Model

class Stranger(Model, frozen=True, kw_only=True):
    '''A stranger.'''

    tasks: ClassVar[frozenset[str]] = frozenset({{"binary_classification"}})

    def fit(self, training, folder):
        return {{}}

    def load(self, folder, device):
        raise NotImplementedError
"""
# As a notebook does it, whose working folder is the first on the path.
NOTEBOOK = """
import os, sys
sys.path.insert(0, "")
from mlspec import api
from mlspec.diagnostics import SpecError
try:
    print(type(api.validate("project.yaml").project.model.candidates["one"].plugin).__name__)
    api.compile("project.yaml")
except SpecError as error:
    print(error.diagnostics[0].code)
"""
SHADOWS = ("mlspec_backends", "yaml", "networkx", "polars", "numpy", "hmac", "tempfile", "difflib", "stranger_plugin")


def project(folder: Path, kind: str = "stranger") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "project.yaml").write_text(SPEC.format(kind=kind))
    (folder / "rows.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20)))
    return folder


def offer(folder: Path, ran: Path, who: str, *, module: bool = True) -> None:
    """A distribution that offers a plug-in, as an installer leaves it; without its ``module`` only the metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    about = folder / "stranger-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mlspec.plugins]\nmodels/stranger = stranger_plugin:Stranger\n")
    if module:
        (folder / "stranger_plugin.py").write_text(PLUGIN.format(ran=str(ran), who=who))


def shadow(folder: Path, ran: Path) -> None:
    for name in SHADOWS:
        file = folder / f"{name}.py"
        if not file.exists():
            file.write_text(f"open({str(ran)!r}, 'a').write({name!r} + ' of the folder\\n')\n")


def python(code: str, cwd: Path, *, interpreter: str = sys.executable, **environment: str) -> str:
    done = subprocess.run(
        [interpreter, "-c", textwrap.dedent(code)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    return tmp_path / "ran.txt"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The interpreter of an environment of its own, which sees this one's libraries and mlspec, and its site folder."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    sources = [str(Path(package.__file__ or "").parents[1]) for package in (mlspec, mlspec_backends)]
    (site / "libraries.pth").write_text("\n".join([sysconfig.get_path("purelib"), *sources]) + "\n")
    return str(home / "bin" / "python"), site


@pytest.mark.parametrize("by", ["a notebook", "an absolute path", "PYTHONPATH"])
def test_a_distribution_beside_a_spec_offers_nothing(by: str, tmp_path: Path, ran: Path) -> None:
    folder = project(tmp_path / "spec")
    offer(folder, ran, "the folder's")
    if by == "PYTHONPATH":
        # PYTHONPATH is the user's own: modules are imported from it, but what is there is not installed.
        paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
        assert python(NOTEBOOK, folder, PYTHONPATH=paths) == "unknown-plugin"
    else:
        shadow(folder, ran)
        code = NOTEBOOK if by == "a notebook" else NOTEBOOK.replace('(0, "")', "(0, os.getcwd())")
        assert python(code, folder) == "unknown-plugin"
    assert not ran.exists()


def test_a_notebook_in_a_strangers_folder_imports_nothing_from_it(tmp_path: Path, ran: Path) -> None:
    folder = project(tmp_path / "spec", "logistic_regression")
    shadow(folder, ran)
    assert python(NOTEBOOK, folder) == "LogisticRegression"
    assert not ran.exists()


def test_a_relative_entry_of_pythonpath_gives_the_command_no_library_of_the_folder(tmp_path: Path, ran: Path) -> None:
    folder = project(tmp_path / "spec", "logistic_regression")
    for name in ("msgspec", "yaml"):
        (folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'w')\n")
    paths = os.pathsep.join([".", os.environ.get("PYTHONPATH", "")])
    command = [Path(sysconfig.get_path("scripts")) / "mlspec", "validate"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not ran.exists()


def test_no_networkx_and_no_backend_of_it_is_taken_from_a_strangers_folder(tmp_path: Path, ran: Path) -> None:
    about = tmp_path / "stranger-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[networkx.backend_info]\nstranger = stranger_plugin:info\n")
    for name in ("networkx", "stranger_plugin"):
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})\ninfo = dict\n")
    code = """
    import sys
    from pathlib import Path
    from mlspec.testing.graphs import graph, step
    sys.path.insert(0, "")
    print(*graph(Path(), [step("a"), step("b", "a")]).digraph)
    """
    assert python(code, tmp_path) == "a b"
    assert not ran.exists()


def test_an_installed_plug_in_is_used_and_not_one_of_its_name_in_the_folder(
    environment: tuple[str, Path], tmp_path: Path, ran: Path
) -> None:
    interpreter, site = environment
    offer(site, ran, "the installed")
    folder = project(tmp_path / "spec")
    shadow(folder, ran)
    try:
        assert python(NOTEBOOK, folder, interpreter=interpreter) == "Stranger"
        assert ran.read_text() == "the installed\n"
    finally:
        for file in (*site.glob("stranger-1.0.dist-info/*"), site / "stranger_plugin.py"):
            file.unlink()
        (site / "stranger-1.0.dist-info").rmdir()


@pytest.mark.parametrize(
    ("settings", "spec", "said"),
    [
        ("depth: Annotated[int, Meta(description='d', ge=1)] = 1", "", ""),
        (
            "depth: Annotated[int, Meta(description='d', ge=1)] = 1",
            ", depth: 0",
            "error[schema-violation]: 'model.candidates.one.depth' must be at least 1",
        ),
        (
            "at: Annotated[complex, Meta(description='d')] = 1j",
            "",
            "error[plugin-settings]: the settings of 'stranger'",
        ),
        ("at: Annotated[set[str], Meta(description='d')] = set()", "", "error[plugin-settings]: the settings of"),
    ],
)
def test_settings_that_an_installed_plug_in_declares_are_checked_by_their_schema(
    settings: str, spec: str, said: str, environment: tuple[str, Path], tmp_path: Path
) -> None:
    interpreter, site = environment
    offer(site, tmp_path / "ran.txt", "x", module=False)
    (site / "stranger_plugin.py").write_text(
        "from typing import Annotated\nfrom msgspec import Meta\n"
        "from mlspec.models.logistic_regression import LogisticRegression\n\n\n"
        f'class Stranger(LogisticRegression, frozen=True, kw_only=True):\n    """One."""\n\n    {settings}\n'
    )
    folder = project(tmp_path / "spec", f"stranger{spec}")
    command = [interpreter, "-c", "import sys; from mlspec.cli import main; sys.exit(main(['validate', '--schema']))"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    finally:
        for file in (*site.glob("stranger-1.0.dist-info/*"), site / "stranger_plugin.py"):
            file.unlink()
        (site / "stranger-1.0.dist-info").rmdir()
    assert done.returncode == (2 if said else 0), done.stderr
    assert done.stderr.startswith(said or "valid: ")


def test_a_plug_in_under_development_is_used_also_in_its_own_folder(
    environment: tuple[str, Path], tmp_path: Path, ran: Path
) -> None:
    """An editable install: the metadata in the site folder, a .pth file that names the folder of the source."""
    interpreter, site = environment
    folder = project(tmp_path / "source")
    offer(site, ran, "", module=False)
    (folder / "stranger_plugin.py").write_text(PLUGIN.format(ran=str(ran), who="the source"))
    (site / "stranger.pth").write_text(f"{folder}\n")
    try:
        for cwd in (folder, project(tmp_path / "elsewhere")):
            assert python(NOTEBOOK, cwd, interpreter=interpreter) == "Stranger"
        assert ran.read_text() == "the source\n" * 2
    finally:
        for file in (*site.glob("stranger-1.0.dist-info/*"), site / "stranger.pth"):
            file.unlink()
        (site / "stranger-1.0.dist-info").rmdir()


def test_versions_of_libraries_are_not_those_that_a_folder_claims(tmp_path: Path) -> None:
    (tmp_path / "numpy-99.0.dist-info").mkdir()
    code = (
        'import sys; sys.path.insert(0, ""); '
        'from mlspec.machine.environment import versions; print(versions(["numpy"]))'
    )
    assert "99.0" not in python(code, tmp_path)


OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from near import shares

class Nearest(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.centres_ = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def predict_proba(self, X):
        return shares(np.abs(X[:, None] - self.centres_).sum(axis=2))
"""
ROWS = """
import polars as pl

def rows():
    return pl.DataFrame({"x": [float(i) for i in range(60)], "y": ["a" if i < 30 else "b" for i in range(60)]})
"""
RUN = """\
mlspec: 1
project: {name: p, goal: g}
data:
  sources: {rows: {code: "our_rows:rows"}}
  columns: {target: y}
model: {candidates: {one: {type: python, code: "own:Nearest"}}, checks: off}
constraints: {size: {memory: 4GB}}
"""


@pytest.mark.slow
def test_no_module_beside_a_spec_takes_the_place_of_an_installed_one_in_a_run(tmp_path: Path, ran: Path) -> None:
    """The one run of this module: code of the spec's own, a fetched source, a worker, a process that answers."""
    folder = project(tmp_path / "spec")
    (folder / "project.yaml").write_text(RUN)
    (folder / "own.py").write_text(OWN)
    (folder / "near.py").write_text("def shares(away):\n    return away[:, ::-1] / away.sum(axis=1, keepdims=True)\n")
    (folder / "our_rows.py").write_text(ROWS)
    for name in ("skops", "torch", "scipy", "mlspec", "json", "runpy", "selectors", "resource", "msgspec", "joblib"):
        (folder / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})\n")
    assert called("run", cwd=folder).returncode == 0
    assert not ran.exists()
    assert not list(folder.glob("__pycache__"))
    # The model of this project's last run may have been committed by anybody.
    refused = called("predict", ".", "rows.csv", cwd=folder)
    assert (refused.returncode, "error[package-brings-code]" in refused.stderr) == (2, True)
    done = called("predict", ".", "rows.csv", "--trust-code", cwd=folder)
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "prediction,p_a,p_b"), done.stderr
    package = json.loads(next(folder.glob(".mlspec/runs/*/model/package.json")).read_text())
    assert {"README.md", "model/code/own.py", "model/code/near.py"} <= package["files"].keys()
    assert not ran.exists()


def called(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [Path(sysconfig.get_path("scripts")) / "mlspec", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
