"""A new kind of constraint is one new file: its keys, what it measures, how it decides, and what a looser bound is."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = '''
"""How many columns the model reads."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records
from mlspec.plugins.keys import AT_MOST
from mlspec.plugins.verdict import Verdict, by_value


class FeatureCount(Constraint, frozen=True, kw_only=True):
    """A bound on how many columns the selected model reads.

    Why: every column has to be collected for each request.

    Example:
        feature_count: {at_most: 10}
    """

    rank: ClassVar[int] = 90

    at_most: Annotated[int, Meta(description="The greatest number of columns.", ge=1, extra=AT_MOST)]

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate."""
        reads = Measurement(
            step="measure.feature_count",
            output="measured",
            kind="measure",
            inputs={"model": ("select", "model")},
        )
        yield Check(at=("at_most",), params={"at_most": self.at_most}, reads=reads)

    @classmethod
    def measure(cls, params: Params, inputs: Mapping[str, Path]) -> Measured:
        """From what the exported model says of itself."""
        return {"columns": len(json.loads((inputs["model"] / "package.json").read_text())["columns"])}

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """A count is exact."""
        bound = params["at_most"]
        return by_value(f"at most {bound} columns", measured.get("columns"), bound, lambda n: f"{n} columns")
'''
SUITE = """
from mlspec.constraints.feature_count import FeatureCount
from mlspec.testing.constraints import Case, ConstraintSuite, Evidence


class TestFeatureCount(ConstraintSuite):
    name = "feature_count"

    def cases(self):
        def evidence(value, params):
            return Evidence(measured={"columns": value})

        yield Case(constraint=FeatureCount(at_most=3), key=("at_most",), at=3, worse=4, evidence=evidence)
"""
SPEC = """\
project: {name: small}
constraints:
  feature_count: {at_most: 1}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: kind}
model: {candidates: {one: {type: logistic_regression}}}
"""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", name="tree")
def tree_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mlspec with one file more."""
    tree = tmp_path_factory.mktemp("tree")
    for part in ("src", "backends"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "src/mlspec/constraints/feature_count.py").write_text(FILE.lstrip())
    return tree


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path) -> Path:
    rows = "".join(f"{i % 7 + 10 * (i % 2)},{i % 5},{'ab'[i % 2]}\n" for i in range(300))
    (tmp_path / "rows.csv").write_text("x,y,kind\n" + rows)
    (tmp_path / "project.yaml").write_text(SPEC)
    return tmp_path


@pytest.fixture(name="python")
def python_fixture(tree: Path, folder: Path) -> Command:
    """Runs Python in the folder of the spec, on that tree."""
    paths = os.pathsep.join(str(tree / part) for part in ("src", "backends"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": paths, "NO_COLOR": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)

    return run


@pytest.fixture(name="mlspec")
def mlspec_fixture(python: Command) -> Command:
    return lambda *arguments: python("-c", "import sys; from mlspec.cli import main; sys.exit(main())", *arguments)


def test_its_keys_are_checked_and_described(mlspec: Command, folder: Path) -> None:
    (folder / "project.yaml").write_text(SPEC.replace("at_most: 1", "at_mots: 1"))
    refused = mlspec("validate")
    assert refused.returncode == 2
    assert refused.stderr.startswith(
        "error[unknown-key]: unknown key 'at_mots' in constraints.feature_count\n"
        " --> project.yaml:3:19\n"
        "  |\n"
        "3 |   feature_count: {at_mots: 1}\n"
        "  |                   ^^^^^^^ did you mean 'at_most'?\n"
        "  = keys here: at_most\n"
    )
    (folder / "project.yaml").write_text(SPEC.replace("at_most: 1", "at_most: 0"))
    refused = mlspec("validate")
    assert refused.returncode == 2
    assert "'constraints.feature_count.at_most' must be at least 1" in refused.stderr
    (folder / "project.yaml").write_text(SPEC.replace("feature_count", "feature_cuont"))
    assert "did you mean 'feature_count'?" in mlspec("validate").stderr
    assert "The greatest number of columns." in mlspec("explain", "constraints.feature_count").stdout
    assert "constraints.feature_count" in json.loads(mlspec("schema").stdout)["$defs"]


@pytest.mark.slow
def test_its_verdict_is_in_the_report_and_decides_on_the_exit_code(mlspec: Command, folder: Path) -> None:
    failed = mlspec("run", "--format", "json")
    assert failed.returncode == 1, failed.stderr
    last = json.loads(failed.stdout.splitlines()[-1])
    (gate,) = last["gates"]
    assert (gate["gate"], gate["verdict"]) == ("gate.feature_count", "fail")
    assert (gate["value"], gate["threshold"], gate["reason"]) == (2, 1, "2 columns")
    assert (gate["place"]["line"], gate["place"]["column"]) == (3, 28)
    assert "at most 1 columns" in (folder / last["report"]).read_text()
    assert json.loads((folder / "mlspec.lock").read_text())["gates"] == {
        "gate.feature_count": {"requirement": "at most 1 columns", "value": 2, "low": 2, "high": 2, "verdict": "fail"}
    }
    (folder / "project.yaml").write_text(SPEC.replace("at_most: 1", "at_most: 2"))
    passed = mlspec("run")
    assert passed.returncode == 0, passed.stderr
    assert "The one constraint holds" in passed.stdout
    steps = json.loads(mlspec("show", "--format", "json").stdout)["steps"]
    assert [step["id"] for step in steps if step["action"] == "ran"] == ["gate.feature_count"]


def test_a_looser_bound_is_distinguished_from_a_tighter_one(mlspec: Command, folder: Path) -> None:
    (folder / "looser.yaml").write_text(SPEC.replace("at_most: 1", "at_most: 5"))
    (folder / "none.yaml").write_text(SPEC.replace("  feature_count: {at_most: 1}\n", "  deadline: 1h\n"))
    loosened = mlspec("diff", "project.yaml", "looser.yaml", "--fail-on", "loosened")
    assert loosened.returncode == 1
    assert "loosened" in loosened.stdout
    assert "constraints.feature_count.at_most  1 -> 5" in loosened.stdout
    tightened = mlspec("diff", "looser.yaml", "project.yaml", "--fail-on", "loosened,removed")
    assert tightened.returncode == 0
    assert "tightened" in tightened.stdout
    assert mlspec("diff", "project.yaml", "none.yaml", "--fail-on", "removed").returncode == 1


def test_it_conforms(python: Command, folder: Path) -> None:
    (folder / "test_feature_count.py").write_text(SUITE)
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_feature_count.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


@pytest.mark.slow
def test_another_distribution_offers_one_by_an_entry_point(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    paths = [sysconfig.get_path("purelib"), str(ROOT / "src"), str(ROOT / "backends")]
    (site / "libraries.pth").write_text("\n".join(paths) + "\n")
    (site / "counted.py").write_text(FILE.lstrip())
    about = site / "counted-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counted\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mlspec.plugins]\nconstraints/feature_count = counted:FeatureCount\n")
    program = "import sys; from mlspec.cli import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(home / "bin" / "python"), "-c", program, "run"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "NO_COLOR": "1"},
    )
    assert done.returncode == 1, done.stderr
    assert "fail  at most 1 columns  2" in done.stdout
