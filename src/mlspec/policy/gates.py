"""Gates that a policy requires, held against those of a spec, by which way each bound of a constraint points."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from mlspec.constraints.quality import Quality
from mlspec.document import Document, Path
from mlspec.plugins.constraint import Constraint
from mlspec.policy.language import Required
from mlspec.spec import Project
from mlspec.spec.dump import spelled
from mlspec.spec.load import dotted
from mlspec.spec.requirements import requirements
from mlspec.spec.shape import Field, keys


class Lack(Struct, frozen=True):
    """What a spec lacks: where it is, or has to be; the entry of the policy; in words."""

    at: Path
    rule: Path
    message: str
    label: str
    is_missing: bool = False


class Bound(Struct, frozen=True):
    """One thing that an entry asks for: its keys below the constraint, its field, its value."""

    path: Path
    field: Field
    value: Any

    @property
    def direction(self) -> str:
        """Which way it points: at_least, at_most, all_of, asked; empty for what only says what is measured."""
        return str(self.field.shape.extra.get("bound", ""))

    def words(self) -> str:
        """As people say it: ``at least 0.9``, ``p95 at most 20ms``."""
        words = {"at_least": "at least ", "at_most": "at most ", "all_of": "with "}.get(self.direction, "")
        key = "" if self.path[-1] == self.direction else f"{dotted(self.path)} "
        return f"{key}{words}{self.spelled(self.value)}"

    def spelled(self, value: Any) -> str:
        """A value of its key as a spec writes it."""
        unit = self.field.shape.extra.get("unit")
        if unit:
            return spelled(value, unit)
        if isinstance(value, tuple):
            return ", ".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) else str(value)


class Held(Struct, frozen=True):
    """A constraint of a spec, with its place; ``waived``: the reasons, by the keys below it that are waived."""

    at: Path
    constraint: Constraint
    waived: dict[Path, str]

    def pardon(self, path: Path) -> str:
        """Why it is not held to a key below it; empty where it is."""
        return next((reason for at, reason in self.waived.items() if path[: len(at)] == at), "")


def waivers(project: Project) -> dict[Path, str]:
    """Why a resolved project does not hold to a requirement, by its place."""
    if not project.constraints.waivers:
        return {}
    return {one.path: one.waived for one in requirements(project) if one.waived}


def lacks(
    required: Required, document: Document, at: Path, project: Project, waived: dict[Path, str]
) -> Iterator[Lack]:
    """What of the required gates a resolved project does not have, has less strictly, or waives. ``at``: where they are
    in the policy's document, which says what is stated of each."""
    for kind, stated in required.gates.items():
        entries = enumerate(stated) if isinstance(stated, tuple) else [(None, stated)]
        for index, entry in entries:
            rule: Path = (*at, kind) if index is None else (*at, kind, index)
            node = document.node(rule)
            plain = {} if node is None else node.plain()
            yield from _entry(kind, entry, plain, rule, list(_held(kind, project, waived)))


def _held(kind: str, project: Project, waived: dict[Path, str]) -> Iterator[Held]:
    """The spec's constraints of a kind; a goal with a bound on a metric is one on quality."""
    found = [(path, one) for path, name, one in project.constraints.stated() if name == kind]
    if kind == "quality":
        for index, goal in enumerate(project.project.goals):
            if goal.metric is not None and (goal.at_least is not None or goal.at_most is not None):
                quality = Quality(metric=goal.metric, at_least=goal.at_least, at_most=goal.at_most)
                found.append((("project", "goals", index), quality))
    for path, one in found:
        end = len(path)
        yield Held(path, one, {at[end:]: reason for at, reason in waived.items() if at[:end] == path})


def _entry(kind: str, entry: Constraint, plain: Any, rule: Path, every: list[Held]) -> Iterator[Lack]:
    """What is lacking of one entry. Each bound is looked for by itself: all gates of a spec hold together."""
    asked = list(bounds(entry, plain))
    wanted, fitting, name = asked, every, f"'constraints.{kind}'"
    if type(entry).many:
        measured = [one for one in asked if not one.direction]
        wanted = [one for one in asked if one.direction] or measured
        fitting = [held for held in every if all(_value(held.constraint, one.path) == one.value for one in measured)]
        name = f"a {kind} gate on {entry.label()}"
    if not fitting:
        said = " and ".join(one.words() for one in wanted if one.direction)
        message = f"the policy requires {name}{f': {said}' if said else ''}"
        yield Lack(("constraints", kind), rule, message, "there is none", is_missing=True)
        return
    for one in wanted:
        strict = [held for held in fitting if _holds(one, _value(held.constraint, one.path))]
        if any(not held.pardon(one.path) for held in strict):
            continue
        if strict:
            label = f"waived: {strict[0].pardon(one.path)}"
            yield Lack(strict[0].at, rule, f"the policy requires {name}, but it is waived", label)
            continue
        values = [(held, _value(held.constraint, one.path)) for held in fitting]
        held, value = next((pair for pair in values if pair[1] is not None), values[0])
        label = "it is not stated" if value is None else f"this is {one.spelled(value)}"
        yield Lack((*held.at, *one.path), rule, f"the policy requires {name}: {one.words()}", label)


def bounds(entry: Struct, plain: Any, at: Path = ()) -> Iterator[Bound]:
    """What an entry of a policy states, key by key, down to the single values."""
    for key, field in keys(type(entry)).items():
        if not isinstance(plain, dict) or key not in plain:
            continue
        value = getattr(entry, key)
        if isinstance(value, Struct):
            yield from bounds(value, plain[key], (*at, key))
        elif value is not None and value is not False:
            yield Bound((*at, key), field, value)


def _holds(wanted: Bound, value: Any) -> bool:
    """Whether a value of a spec asks for as much as the policy."""
    if value is None:
        return False
    match wanted.direction:
        case "at_least":
            return bool(value >= wanted.value)
        case "at_most":
            return bool(value <= wanted.value)
        case "all_of":
            return set(wanted.value) <= set(value)
    return bool(value == wanted.value)


def _value(constraint: Any, path: Path) -> Any:
    value = constraint
    for part in path:
        value = None if value is None else getattr(value, str(part))
    return value
