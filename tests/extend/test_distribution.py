"""The same plug-ins, offered by another distribution that is installed beside mlspec: its entry points name them."""

import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

import mlspec
import mlspec_backends

NEW = Path(__file__).with_name("new")
ENTRY_POINTS = """\
[mlspec.plugins]
metrics/hits = pipes_plugins.hits
transforms/shift = pipes_plugins.shift
sources/pipes = pipes_plugins.pipes
anonymizers/halve = pipes_plugins.halve:Halve
models/random_trees = pipes_plugins.random_trees
baselines/rarest = pipes_plugins.rarest
engines/counted = pipes_plugins.counted
"""
SPEC = """
mlspec: 1
project: {name: quiet}
data:
  sources: {rows: {path: rows.pipes}}
  columns: {target: kind}
  personal: {y: {kind: sensitive, action: halve}}
preprocessing: {numeric: [shift: 2]}
model: {candidates: {extra: {type: random_trees, trees: 20}}, select: {metric: hits}}
evaluation: {metrics: [hits], baselines: [rarest]}
backend: {engine: counted}
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment of its own that sees this one's libraries and mlspec, and has the distribution."""
    home = tmp_path / "environment"
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    sources = [str(Path(package.__file__ or "").parents[1]) for package in (mlspec, mlspec_backends)]
    (site / "libraries.pth").write_text("\n".join([sysconfig.get_path("purelib"), *sources]) + "\n")
    package, about = site / "pipes_plugins", site / "pipes_plugins-1.0.dist-info"
    package.mkdir()
    about.mkdir()
    for file in NEW.rglob("*.py"):
        if file.stem in ENTRY_POINTS:
            (package / file.name).write_text(file.read_text())
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: pipes-plugins\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return home / "bin" / "python"


@pytest.mark.slow
def test_all_of_them_are_used_in_a_run(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    rows = [f"{i % 7 + 10 * (i % 2)}|{i % 5}|{'ab'[i % 2]}" for i in range(300)]
    (folder / "rows.pipes").write_text("\n".join(["x|y|kind", *rows]) + "\n")
    (folder / "project.yaml").write_text(SPEC)
    program = "import sys; from mlspec.cli import main; sys.exit(main())"
    done = subprocess.run(
        [python, "-c", program, "run"], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "hits    1                       0.5833" in done.stdout
    assert int((folder / "counted").read_text()) > 10
