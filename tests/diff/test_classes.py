"""Every key of the language has a rule that says how a change of it is classified: walked through the published schema,
plug-ins' own keys included."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from mlspec import registry
from mlspec.diff import identity
from mlspec.diff.change import MEANS, SEVERITY, Class
from mlspec.diff.classes import RULES, rule_of
from mlspec.diff.constraint_rules import rule
from mlspec.spec import Project
from mlspec.spec.schema import schema
from mlspec.spec.shape import Shape, keys

ROOT = Path(__file__).parents[2]
NOT_LAID_ON = ("profiles",)  # means something when it is applied to the rest: compared by `diff` under each name
WRONG = """
These keys have no rule that says how a change of them is classified:
{missing}

Add a line for each to RULES in src/mlspec/diff/classes.py, beside the keys around it:
    floor      a least value (at_least): higher is stricter      ceiling   a greatest value (at_most): lower is stricter
    demand     a gate, an expectation, a group of bounds          pardon    what lets go of a demand
    only       the values that are allowed                        asked     true asks for something
    CONTRACT   callers change    EVALUATION  numbers are not comparable    RESULT  another model    PROSE  no result
    COST       more is more to compute                            "exposure" by a function of its own
"""


def patterns(node: dict[str, Any], at: str, definitions: dict[str, Any]) -> Iterator[str]:
    """Every pattern of a key below a schema: leaves, and containers that may come and go."""
    name = node.get("$ref", "").removeprefix("#/$defs/")
    if name:
        target = {**definitions[name], **{key: value for key, value in node.items() if key != "$ref"}}
        if name in registry.KINDS:
            yield from plugin(name, target, at, definitions)
            return
        nullable = "null" in str(node.get("type", ""))
        yield from patterns(target | ({"type": node["type"]} if nullable else {}), at, definitions)
        return
    if "then" in node and "else" in node:
        # One of several forms: the longer one holds the keys; a name or a single value stands for one of it.
        inner = node["then"] if node["if"].get("type") == "array" else node["else"]
        kinds = node.get("type", [])
        yield from patterns(inner, at, definitions) if "null" not in kinds else (at, *patterns(inner, at, definitions))
        return
    if "properties" in node:
        for key, value in node["properties"].items():
            below = f"{at}.{key}" if at else key
            if key in NOT_LAID_ON:
                continue
            yield from patterns(value, below, definitions)
    elif isinstance(node.get("additionalProperties"), dict):
        item = node["additionalProperties"]
        yield f"{at}.*"
        yield from patterns(item, f"{at}.*", definitions)
    elif has_keys(node.get("items", {}), definitions):
        yield f"{at}[]"
        if at in identity.ORDERED:
            yield f"{at}[] order"
        yield from patterns(node["items"], f"{at}[]", definitions)
    else:
        yield at


def plugin(kind: str, node: dict[str, Any], at: str, definitions: dict[str, Any]) -> Iterator[str]:
    """A plug-in's discriminator and the keys of every plug-in of its kind."""
    yield at
    for key in node.get("properties", {}):
        if key in ("type", "format"):
            yield f"{at}.{key}"
    for name in registry.names(kind):
        for key in definitions[f"{kind}.{name}"]["properties"]:
            if key not in ("type", "format"):
                yield f"{at}.<{key}>"


def has_keys(item: dict[str, Any], definitions: dict[str, Any]) -> bool:
    """Whether entries of a list are things with keys of their own, not plain values."""
    name = item.get("$ref", "").removeprefix("#/$defs/")
    return name in registry.KINDS or "properties" in definitions.get(name, {})


@pytest.fixture(scope="module", name="every")
def every_fixture() -> list[str]:
    made = schema()
    return list(dict.fromkeys(patterns(made, "", made["$defs"])))


def test_every_key_of_the_schema_has_a_rule(every: list[str]) -> None:
    missing = []
    for pattern in every:
        try:
            rule_of(pattern)
        except LookupError:
            missing.append(f'    "{pattern}": ...,')
    assert not missing, WRONG.format(missing="\n".join(missing))


def containers(cls: Any, at: str) -> Iterator[str]:
    """What may be left out as a whole, by the types: the schema does not tell it from what is there by default."""
    for name, field in keys(cls).items():
        yield from container(field.shape, f"{at}.{name}" if at else name)


def container(wanted: Shape, at: str) -> Iterator[str]:
    if (wanted.nullable and wanted.kind in ("object", "map")) or (
        wanted.nullable and wanted.kind == "list" and keyed(wanted)
    ):
        yield at
    if wanted.kind == "object":
        yield from containers(wanted.cls, at)
    elif wanted.kind == "map" and wanted.items[1].kind != "any" and at != "profiles":
        yield from container(wanted.items[1], f"{at}.*")
    elif wanted.kind == "list" and keyed(wanted):
        yield from container(wanted.items[0], f"{at}[]")


def keyed(wanted: Shape) -> bool:
    return wanted.items[0].kind in ("object", "step", "plugin")


def test_everything_that_may_come_or_go_as_a_whole_has_a_rule() -> None:
    found = list(containers(Project, ""))
    assert {"constraints.latency", "project.users.mistakes.recall", "preprocessing.numeric", "tuning.*.space"} <= {
        *found
    }
    missing = [f'    "{pattern}": ...,' for pattern in found if pattern not in RULES and rule(pattern) is None]
    assert not missing, WRONG.format(missing="\n".join(missing))


def lists(cls: Any, at: str) -> Iterator[str]:
    """Lists whose entries have keys of their own."""
    for name, field in keys(cls).items():
        place, wanted = f"{at}.{name}" if at else name, field.shape
        while wanted.kind in ("map", "list"):
            if wanted.kind == "list" and wanted.items[0].kind == "object":
                yield place
            place += ".*" if wanted.kind == "map" else "[]"
            wanted = wanted.items[-1]
        if wanted.kind == "object":
            yield from lists(wanted.cls, place)


def test_every_list_of_things_says_what_identifies_an_entry() -> None:
    found = list(lists(Project, ""))
    assert "constraints.quality" in found
    unnamed = [pattern for pattern in found if pattern not in identity.KEYS and rule(f"{pattern}[]") is None]
    missing = [f'    "{pattern}": lambda entry: entry.NAME,' for pattern in unnamed]
    assert not missing, "add to KEYS in src/mlspec/diff/identity.py:\n" + "\n".join(missing)


def test_the_walk_reaches_the_depths_of_the_language(every: list[str]) -> None:
    for pattern in (
        "mlspec",
        "constraints.budget.money.cpu_hour",
        "constraints.quality[].at_least",
        "project.users.mistakes.recall.at_least",
        "data.sources.*.<path>",
        "data.expect[].missing.at_most",
        "model.candidates.*.<dropout>",
        "tuning.*.space.*.log_integer",
        "preprocessing.columns.*[].<strategy>",
        "evaluation.baselines[].<cases>",
    ):
        assert pattern in every, pattern
    assert len(every) > 250


def test_no_rule_speaks_of_a_key_that_does_not_exist(every: list[str]) -> None:
    known = set(every) | {rule_of(pattern) for pattern in every}
    above = {pattern[: found.start()] for pattern in every for found in re.finditer(r"[.\[]", pattern)}
    elsewhere = ("(data)", "(gate)", "(spec)", "profiles")
    stale = [rule for rule in RULES if rule not in known | above and not rule.startswith(elsewhere)]
    stale = [rule for rule in stale if not rule.endswith((" order", "(step)"))]
    assert not stale, f"rules in diff/classes.py for keys that are gone: {stale}"


def test_every_class_has_a_severity_and_a_meaning() -> None:
    assert set(SEVERITY) == set(MEANS) == set(get_args(Class))
    # What a reviewer must not miss is never at a quiet level.
    assert {SEVERITY[name] for name in ("loosened", "removed", "exposure", "contract")} == {"error"}
    assert SEVERITY["evaluation"] == "warning"


def test_a_key_without_a_rule_is_an_error_that_says_what_to_add() -> None:
    with pytest.raises(LookupError, match=r'"constraints.quality\[\].unheard_of": \.\.\.,'):
        rule_of("constraints.quality[].unheard_of")


def test_a_list_without_an_identity_is_an_error_that_says_what_to_add() -> None:
    from mlspec.spec.constraints import Infrastructure

    with pytest.raises(LookupError, match=r"KEYS in diff/identity\.py"):
        identity.names("constraints.somewhere", (Infrastructure(),))
