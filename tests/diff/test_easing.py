"""What makes a gate easier is seen in the gates themselves, whatever key of the spec did it."""

import importlib.util
from pathlib import Path

import pytest
from msgspec.structs import replace

from mlspec import api, registry
from mlspec.diff import compare, easing
from mlspec.diff.meaning import Meaning, meaning
from mlspec.document import parse
from mlspec.graph.graph import Graph
from mlspec.plugins.constraint import Constraint
from mlspec.spec.shape import Field, keys

_spec = importlib.util.spec_from_file_location("diff_world", Path(__file__).with_name("world.py"))
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

# What a constraint is about, or shown as: another value makes it another constraint, and its name changes with it.
NAMES = {"metric", "group", "beats", "sensitive", "unit", "examples"}


def sides(folder: Path, base: str, head: str) -> tuple[Meaning, Meaning, tuple[Graph, Graph]]:
    graphs, meanings = [], []
    for name, text in (("base", base), ("head", head)):
        spec = world.folder(folder / name, text)
        graphs.append(api.compile(spec).plan.graph)
        meanings.append(meaning(graphs[-1].project, parse(text, str(spec))))
    return meanings[0], meanings[1], (graphs[0], graphs[1])


def lowered(text: str) -> str:
    for old, new in (
        ("at_least: 0.9}", "at_least: 0.8}"),
        ("    - {metric: log_loss, at_most: 0.4}\n", ""),
        ("by: 0.05", "by: 0.01"),
        ("group: sex, at_most: 0.1", "group: sex, at_most: 0.2"),
        ("p95: 50ms", "p50: 50ms"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


EASED = {
    "gate.quality.roc_auc": "loosened",
    "gate.quality.log_loss": "removed",
    "gate.quality.roc_auc.beats.majority": "loosened",
    "gate.fairness.equal_opportunity_difference.sex": "loosened",
    "gate.latency.p95": "removed",
}


def test_gates_that_are_gone_or_easier_are_found_without_the_spec(tmp_path: Path) -> None:
    _, _, graphs = sides(tmp_path, world.BASE, lowered(world.BASE))
    assert easing.easier(*graphs) == EASED
    assert easing.easier(graphs[0], graphs[0]) == {}
    # The other way round only what is new in the base is gone.
    assert easing.easier(graphs[1], graphs[0]) == {"gate.latency.p50": "removed"}


def test_a_gate_that_no_change_speaks_of_is_a_change_of_its_own(tmp_path: Path) -> None:
    before, after, graphs = sides(tmp_path, world.BASE, lowered(world.BASE))
    found = compare.changes(before, after)
    assert list(easing.unexplained(before, after, graphs, found)) == []
    harmless = [replace(change, class_="prose") for change in found]
    alone = list(easing.unexplained(before, after, graphs, harmless))
    assert {change.path: (change.severity, change.class_) for change in alone} == {
        gate: ("error", name) for gate, name in EASED.items()
    }
    # A change elsewhere explains none of them.
    lone = [change for change in found if "log_loss" in change.path]
    assert {change.path for change in easing.unexplained(before, after, graphs, lone)} == EASED.keys() - {
        "gate.quality.log_loss"
    }


def test_a_change_that_eases_a_gate_by_itself_is_no_less_than_that(tmp_path: Path) -> None:
    before, after, _ = sides(tmp_path, world.BASE, world.BASE.replace("goal: Find", "goal: Look for"))
    (change,) = compare.changes(before, after)
    assert easing.classified(change, {}).class_ == "prose"
    eased = easing.classified(change, {"gate.a": "loosened", "gate.b": "removed"})
    assert (eased.class_, eased.severity) == ("removed", "error")


def fields() -> list[tuple[str, Field]]:
    found = []
    for name in registry.names("constraints"):
        cls: type[Constraint] = registry.constraint(name)
        waiting = [(f"{name}.{key}", field) for key, field in keys(cls).items()]
        while waiting:
            path, field = waiting.pop()
            if field.shape.kind == "object":
                waiting += [(f"{path}.{key}", inner) for key, inner in keys(field.shape.cls).items()]
            else:
                found.append((path, field))
    return found


@pytest.mark.parametrize(("path", "field"), fields(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_of_a_constraint_says_which_way_is_stricter_or_names_what_it_is_about(
    path: str, field: Field
) -> None:
    points = {"bound", "evidence"} & field.shape.extra.keys()
    assert len(points) == (path.rpartition(".")[2] not in NAMES), f"{path}: give it one of plugins/keys.py, as AT_LEAST"
