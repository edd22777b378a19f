"""The layers hold, by what is written and by what is loaded while a command works."""

import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import grimp
import networkx as nx
import pytest

from mlspec.graph.kinds import KINDS

ROOT = Path(__file__).parents[1]
ENGINES = {"torch", "polars", "pandas", "pyarrow", "narwhals", "sklearn", "numpy", "scipy", "optuna", "dvc", "ray"}
COMMANDS = [
    (["validate"], ENGINES | {"networkx", "jsonschema", "rich", "importlib.metadata"}),
    (["compile"], ENGINES | {"jsonschema", "rich"}),
    (["compile", "--resolved"], ENGINES | {"jsonschema", "rich"}),
    (["diff", "project.yaml", "same.yaml"], ENGINES | {"networkx", "jsonschema", "rich", "importlib.metadata"}),
    (["diff", "project.yaml", "other.yaml"], ENGINES | {"jsonschema", "rich"}),
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


@pytest.fixture(name="imports", scope="module")
def imports_fixture() -> "nx.DiGraph[str]":
    """Every module with all that it imports: at its top, in functions, and for types alone."""
    graph = grimp.build_graph("mlspec", "mlspec_backends", cache_dir=None, exclude_type_checking_imports=False)
    edges = [(name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name)]
    return nx.DiGraph(edges)


def test_no_modules_import_each_other_in_a_circle(imports: "nx.DiGraph[str]") -> None:
    circles = [sorted(part) for part in nx.strongly_connected_components(imports) if len(part) > 1]
    assert circles == []


def test_for_types_alone_too_every_layer_sees_only_what_is_below_it(imports: "nx.DiGraph[str]") -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract.get("exhaustive"))["layers"]
    height = {name.strip(): -place for place, layer in enumerate(layers) for name in layer.split("|")}

    def rooms(one: str, other: str) -> tuple[str, str]:
        return one.split(".")[1], other.split(".")[1]

    inner = [(a, b) for a, b in imports.edges if a.count(".") and b.count(".") and a.split(".")[0] == b.split(".")[0]]
    wrong = [
        (a, b)
        for a, b in inner
        if a.startswith("mlspec.")
        and rooms(a, b)[0] != rooms(a, b)[1]
        and height[rooms(a, b)[0]] <= height[rooms(a, b)[1]]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("command", "forbidden"), COMMANDS, ids=lambda value: "-".join(value) if isinstance(value, list) else ""
)
def test_what_is_light_stays_light(command: list[str], forbidden: set[str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs/penguins", tmp_path / "penguins", ignore=shutil.ignore_patterns(".mlspec"))
    spec = tmp_path / "penguins/project.yaml"
    (tmp_path / "penguins/same.yaml").write_text(spec.read_text() + "# a comment\n")
    (tmp_path / "penguins/other.yaml").write_text(spec.read_text().replace("at_least: 0.85", "at_least: 0.8"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command], cwd=tmp_path / "penguins", capture_output=True, text=True, check=True
    )
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert not forbidden & set(modules)


def test_trivial_steps_load_no_learning_library() -> None:
    """They run in the process that was started, and in every one that loads a package."""
    trivial = [kind.work for kind in KINDS.values() if kind.trivial]
    program = f"import sys, importlib\nfor name in {trivial}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "scipy", "pandas", "optuna"} & set(done.stdout.split())


@pytest.mark.slow
def test_a_run_that_has_nothing_to_do_loads_no_engine(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "specs/penguins", tmp_path / "penguins", ignore=shutil.ignore_patterns(".mlspec"))
    run = [sys.executable, "-c", PROGRAM, "run"]
    subprocess.run(run, cwd=tmp_path / "penguins", capture_output=True, check=True)
    again = subprocess.run(run, cwd=tmp_path / "penguins", capture_output=True, text=True, check=True)
    code, modules = json.loads(again.stdout.splitlines()[-1])
    assert code == 0, again.stderr
    assert not (ENGINES | {"networkx", "jsonschema"}) & set(modules)
