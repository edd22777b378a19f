"""The wheel and the sdist build; the wheel without extras is small and checks, compiles and prints the schema."""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_PACKAGES = 18

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist it was built from."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


def test_the_archives_hold_what_they_should(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    assert wheel.name.startswith("mlspec_compiler-")
    assert sdist.name.startswith("mlspec_compiler-")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "mlspec/py.typed",
        "mlspec/report/page/page.css",
        "mlspec/graph/show/page.js",
        "mlspec/contracts/published/ORIGIN.md",
        "mlspec/contracts/published/open-data-contract-3.2.0.json",
        "mlspec_backends/local.py",
    ):
        assert needed in names
    assert not [name for name in names if name.startswith(("tests", "specs", "docs"))]
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    for needed in (
        "README.md",
        "CHANGELOG.md",
        "constraints.txt",
        "schema/project.schema.json",
        "specs/penguins/project.yaml",
    ):
        assert needed in inside
    assert not [name for name in inside if ".mlspec/" in name]


def test_the_wheel_without_extras_checks_compiles_and_prints_the_schema(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python, mlspec = tmp_path / "venv/bin/python", tmp_path / "venv/bin/mlspec"
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path))
    packages = {entry["name"].lower() for entry in listed} - {"pip", "setuptools"}
    assert len(packages) <= MOST_PACKAGES, packages
    assert not packages & {"torch", "polars", "numpy", "scikit-learn"}

    folder = tmp_path / "penguins"
    folder.mkdir()
    for name in ("project.yaml", "data/penguins.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((ROOT / "specs/penguins" / name).read_bytes())
    run(mlspec, "validate", cwd=folder)
    assert "Plan: 14 run; time unknown" in run(mlspec, "compile", cwd=folder)
    assert run(mlspec, "schema", cwd=folder) == (ROOT / "schema/project.schema.json").read_text()
    assert "pip install 'mlspec-compiler[run]'" in run(mlspec, "doctor", cwd=folder)
    refused = subprocess.run([mlspec, "run"], cwd=folder, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "mlspec-compiler[run]" in refused.stderr
