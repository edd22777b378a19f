"""A step's code version changes when its behaviour may have changed: a digest of all code that decides its result is
held against it.

When this fails: if results can differ, raise the version (``KINDS[...]`` or the plug-in's ``version``). In any
case write the new digests with ``MLSPEC_UPDATE=1 pytest tests/test_code_versions.py`` and let the review see both.
"""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from mlspec import registry
from mlspec.graph.kinds import KINDS

GOLDEN = Path(__file__).parent / "golden" / "code_versions.json"


def load_closure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("code_closure", Path(__file__).with_name("code_closure.py"))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


closure = load_closure()


def current() -> dict[str, list[str]]:
    """Name -> version and digest, of every kind of step and every plug-in that has a part in results."""
    found: dict[str, list[str]] = {}
    for name, kind in KINDS.items():
        found[name] = [str(kind.version), closure.digest(closure.reached(kind.work, "run"))]
    for family in registry.KINDS:
        for name in registry.names(family):
            cls = registry.plugin(family, name)
            found[f"{family}/{name}"] = [
                str(cls.version),
                closure.digest(closure.reached(cls.__module__, cls.__name__)),
            ]
    return found


def test_changed_code_has_a_changed_version() -> None:
    now = current()
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    known = json.loads(GOLDEN.read_text())
    stale = sorted(name for name, seen in now.items() if known.get(name, seen) != seen)
    assert not stale, f"code changed since its version was written down: {', '.join(stale)} (see the top of this file)"
    assert sorted(known) == sorted(now), "steps or plug-ins came or went (see the top of this file)"


@pytest.mark.parametrize(
    ("kind", "decided_by"),
    [
        ("select", "mlspec.steps.serving.package"),
        ("check_groups", "mlspec.steps.diagnosis.groups"),
        ("membership", "mlspec.metrics._intervals"),
        ("blend", "mlspec.steps.evaluation.intervals"),
        ("latency", "mlspec.steps.evaluation.intervals"),
        ("prepare", "mlspec.steps.data.parquet"),
        ("gate", "mlspec.steps.results"),
        ("train", "mlspec.steps.data.feature_arrays"),
    ],
)
def test_helpers_far_away_are_held_too(kind: str, decided_by: str) -> None:
    assert decided_by in {where for where, _name in closure.reached(KINDS[kind].work, "run")}


def test_moved_and_explained_code_is_the_same_code() -> None:
    import ast

    plain = closure._Plain({"tables"}).visit(
        ast.parse("def f(x: int) -> int:\n    'Why.'\n    return tables.scan(x)\n")
    )
    moved = closure._Plain({"parquet"}).visit(ast.parse("def f(x):\n    return parquet.scan(x)  # elsewhere\n"))
    other = closure._Plain({"parquet"}).visit(ast.parse("def f(x):\n    return parquet.scan(x + 1)\n"))
    assert ast.dump(plain) == ast.dump(moved) != ast.dump(other)
