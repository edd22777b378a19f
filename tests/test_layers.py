"""The layers hold, by what is written and by what is loaded while a command works."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENGINES = {"torch", "polars", "pandas", "sklearn", "numpy", "scipy", "optuna", "dvc"}
COMMANDS = [
    (["validate"], ENGINES | {"networkx", "jsonschema", "rich", "importlib.metadata"}),
    (["compile"], ENGINES | {"jsonschema", "rich"}),
    (["compile", "--resolved"], ENGINES | {"jsonschema", "rich"}),
    (["diff", "project.yaml", "other.yaml"], ENGINES | {"networkx", "jsonschema", "rich", "importlib.metadata"}),
    (["schema"], ENGINES | {"networkx", "rich"}),
    (["explain", "impute"], ENGINES | {"networkx", "jsonschema", "rich"}),
]
PROGRAM = """
import json, sys
from mlspec.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def test_every_layer_sees_only_what_stands_below_it() -> None:
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "forbidden"), COMMANDS, ids=lambda value: "-".join(value) if isinstance(value, list) else ""
)
def test_what_is_light_stays_light(command: list[str], forbidden: set[str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs/penguins", tmp_path / "penguins", ignore=shutil.ignore_patterns(".mlspec"))
    spec = tmp_path / "penguins/project.yaml"
    (tmp_path / "penguins/other.yaml").write_text(spec.read_text().replace("at_least: 0.85", "at_least: 0.8"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], cwd=tmp_path / "penguins", capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert not forbidden & set(modules)
