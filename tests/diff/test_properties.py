"""What holds of every pair of specs, by random edits: nothing differs from itself, a diff read backwards is the diff
the other way round, applying it gives the other spec, and what is called invalidated is what has other fingerprints."""

import random
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import SpecError
from mlspec.diff import compare, impact, nested
from mlspec.diff.change import Change
from mlspec.diff.meaning import ORDER, Meaning, meaning
from mlspec.diff.surroundings import Surroundings
from mlspec.document import Document, parse
from mlspec.graph import fingerprint as fp
from mlspec.plugins.base import Column
from mlspec.rules.context import Facts
from mlspec.spec.load import load
from mlspec.spec.resolve import resolve

SPECS = Path(__file__).parents[2] / "specs"
BASES = [Path(__file__).parent / "cases/people.yaml", SPECS / "adult-income/project.yaml"]
COLUMNS = """age workclass fnlwgt education education_num marital_status occupation relationship race capital_gain
capital_loss hours_per_week native_country number job sex weight city income"""
SCHEMA = tuple(
    Column(name, "integer" if name in ("age", "number", "weight") else "category") for name in COLUMNS.split()
)
FACTS = Facts(root=Path(), schemas={}, target_levels=("<=50K", ">50K"))
BESIDE = Surroundings(FACTS, None, {}, (), {}, None)
OTHERS: dict[type, list[Any]] = {
    str: ["linear", "standard", "median", "ridge", "sex", "accuracy", "log_loss", "3h", "9MB", "other"],
    int: [0, 1, 2, 5, 40, 1000],
    float: [0.0, 0.05, 0.3, 0.95, 2.5],
    bool: [True, False],
    list: [[], ["sex"], ["race", "sex"], [64, 32], [0.1, 0.2]],
    type(None): [1, 0.5, "x", ["sex"], "5m", "1GB"],
}
GROWN: list[tuple[tuple[str, ...], Any]] = [
    (("model", "candidates", "more"), {"type": "ridge", "alpha": 2.0}),
    (("model", "candidates", "deep"), {"type": "torch.mlp", "epochs": 3}),
    (("constraints", "latency"), {"p99": "70ms", "batch": 4}),
    (("constraints", "quality", "[accuracy]"), {"metric": "accuracy", "at_least": 0.7}),
    (("constraints", "waivers", "[goals.reach]"), {"requirement": "goals.reach", "reason": "Not yet."}),
    (("constraints", "reviewers", "data"), ["@data"]),
    (("data", "expect", "[job]"), {"column": "job", "unique": False}),
    (("data", "columns", "types", "age"), "number"),
    (("preprocessing", "date"), ["date_parts"]),
    (("preprocessing", "columns", "age"), [{"clip": {"lower": 1, "upper": 90}}, "scale"]),
    (("tuning", "linear"), {"trials": 4}),
    (("evaluation", "metrics", "[f1]"), "f1"),
    (("project", "goals", "[trust]"), {"name": "trust", "metric": "brier", "at_most": 0.2}),
    (("project", "users", "examples", "[age=3]"), {"row": {"age": 3}, "answer": ">50K"}),
]


@cache
def base(index: int) -> Meaning:
    return meant(parse(BASES[index].read_bytes(), "project.yaml"))


def meant(document: Document) -> Meaning:
    project = load(document)
    return meaning(resolve(project, dict.fromkeys(project.data.sources, SCHEMA), FACTS.target_levels), document)


INDEX, SEEDS = st.integers(0, len(BASES) - 1), st.lists(st.integers(0, 2**32), max_size=6)


def edits(index: int, seeds: list[int]) -> tuple[Meaning, Meaning]:
    """A spec, and the same after some random edits that leave it a spec."""
    start = head = base(index)
    for seed in seeds:
        try:
            made = nested.project(edited(nested.tree(head), random.Random(seed)))
            head = meant(nested.document(nested.plain(nested.tree(meaning(made, head.document)))))
        except (SpecError, KeyError):
            continue
    return start, head


def edited(tree: nested.Tree, chance: random.Random) -> nested.Tree:
    """One random edit: another value, something more, something less, another name, another order."""
    made = nested.apply(tree, ())
    kind = chance.choice(["value", "value", "value", "value", "grow", "cut", "name", "order"])
    places = list(every(made, ()))
    if kind == "grow":
        *above, last = (grown := chance.choice(GROWN))[0]
        around = inside(made, above)
        around[last] = grown[1]
        if ORDER in around:
            around[ORDER] = [*around[ORDER], last]
    elif kind == "name":
        names = list(made["model"]["candidates"])
        old = chance.choice(names)
        made["model"]["candidates"][f"{old}2"] = made["model"]["candidates"].pop(old)
        if old in made.get("tuning", {}):
            made["tuning"][f"{old}2"] = made["tuning"].pop(old)
    elif kind == "order":
        around, key = chance.choice([place for place in places if place[1] == ORDER])
        around[ORDER] = chance.sample(around[ORDER], len(around[ORDER]))
    elif kind == "cut":
        around, key = chance.choice([place for place in places if place[1] != ORDER])
        del around[key]
        if ORDER in around:
            around[ORDER] = [name for name in around[ORDER] if name != key]
    else:
        around, key = chance.choice([p for p in places if p[1] != ORDER and not isinstance(p[0][p[1]], dict)])
        value = around[key]
        near = (
            [value * 2, value / 2, value + 1] if isinstance(value, int | float) and not isinstance(value, bool) else []
        )
        around[key] = chance.choice([*OTHERS[type(value)], *near])
    return made


def every(tree: nested.Tree, above: tuple[str, ...]) -> list[tuple[nested.Tree, str]]:
    found: list[tuple[nested.Tree, str]] = []
    for key, value in tree.items():
        found.append((tree, key))
        if isinstance(value, dict):
            found += every(value, (*above, key))
    return found


def inside(tree: nested.Tree, above: list[str]) -> nested.Tree:
    for part in above:
        tree = tree.setdefault(part, {})
    return tree


def says(of: Meaning) -> dict[Any, Any]:
    return {key: leaf.value for key, leaf in of.leaves.items()} | dict.fromkeys(of.entities)


def told(change: Change) -> tuple[Any, ...]:
    return change.kind, change.key, repr(change.old), repr(change.new)


def mirrored(change: Change, names: dict[str, str]) -> tuple[Any, ...]:
    """A change read backwards; what is under a new name there stands under the old one."""
    swapped = {"added": "removed", "removed": "added"}
    key = tuple(names.get(p, p) if i in (1, 2) and change.key[0] in ("model", "tuning", "data") else p
                for i, p in enumerate(change.key))  # fmt: skip
    return swapped.get(change.kind, change.kind), key, repr(change.new), repr(change.old)


@settings(max_examples=60, deadline=None)
@given(INDEX, SEEDS)
def test_a_diff_is_whole_and_the_same_both_ways(index: int, seeds: list[int]) -> None:
    one, other = edits(index, seeds)
    assert compare.changes(one, one) == ()
    assert compare.changes(other, other) == ()
    there, back = compare.changes(one, other), compare.changes(other, one)
    names = {str(change.new): str(change.old) for change in there if change.kind == "renamed"}
    assert {mirrored(change, names) for change in there} == {told(change) for change in back}
    made = meant(nested.document(nested.plain(nested.apply(nested.tree(one), there))))
    assert says(made) == says(other)
    assert (not there) == (says(one) == says(other))


@settings(max_examples=25, deadline=None)
@given(INDEX, SEEDS)
def test_what_is_called_invalidated_has_another_fingerprint(index: int, seeds: list[int]) -> None:
    pair = edits(index, seeds)
    try:
        one, other = compiled(pair[0]), compiled(pair[1])
    except (ValueError, LookupError, StopIteration, AssertionError):
        return  # what a rule refuses before it is compiled
    found = {change.step for change in impact.impact(one, other).invalidated}
    before, after = (fingerprints(side) for side in (one, other))
    assert found == {step for step, own in after.items() if own not in set(before.values())}
    if not compare.changes(*pair):
        assert not found


def compiled(side: Meaning) -> impact.Compiled:
    facts = Facts(
        root=Path(), schemas=dict.fromkeys(side.project.data.sources, SCHEMA), target_levels=FACTS.target_levels
    )
    return impact.compiled(side.project, facts, BESIDE)


def fingerprints(of: impact.Compiled) -> dict[str, str]:
    """The fingerprints that a run would have in which no two different pieces of work give the same bytes."""
    found: dict[str, str] = {}
    for step_id, step in of.graph.steps.items():
        digests = {name: f"{found[read.step]}/{read.output}" for name, read in step.inputs.items()}
        found[step_id] = fp.fingerprint(step, digests)
    return found


@settings(max_examples=25, deadline=None)
@given(INDEX, st.randoms(use_true_random=False), st.booleans())
def test_a_reformatted_file_has_no_changes(index: int, chance: random.Random, flow: bool) -> None:
    start = base(index)
    data = shuffled(start.document.data, chance)
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=flow, width=chance.choice([40, 200]))
    assert compare.changes(start, meant(parse(text, "project.yaml"))) == ()


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    return float(value) if type(value) is int and chance.random() < 0.3 else value
