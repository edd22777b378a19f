"""Project -> its requirements: all that is stated of the model under ``project`` and ``constraints`` (and whose models
there are), each with what it is bound to."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mlspec.constraints.quality import Quality
from mlspec.document import Path
from mlspec.plugins.constraint import METRICS, Check, Constraint, Context, Measurement
from mlspec.spec import Project
from mlspec.spec.operation import monitored
from mlspec.spec.project import Goal

Binding = Literal["gate", "measured", "compiled", "monitored", "nothing"]
TRIGGERS = {"on_request": "on request", "stream": "in a stream", "batch": "in batches"}


class Requirement(Struct, frozen=True, kw_only=True):
    """Something that is required.

    ``id`` is its name, unique in a spec; ``path`` where it is stated. ``binding``: a gate decides on it, it is measured
    and shown, the compiler has checked it, it is monitored in service, or nothing does. ``check`` is what a gate is to
    check, ``reads`` what it reads; ``text`` the requirement in words where no gate puts it into words; ``waived`` the
    reason not to hold to it.
    """

    id: str
    path: Path
    binding: Binding
    check: Mapping[str, Any] = {}
    reads: Measurement = METRICS
    text: str = ""
    waived: str = ""


def requirements(project: Project) -> tuple[Requirement, ...]:
    """The requirements of a resolved project, in the spec's order."""
    waived = {waiver.requirement: waiver.reason for waiver in project.constraints.waivers}
    taken: dict[str, int] = {}
    found = []
    for wanted in (*_project(project), *_constraints(project), *_model(project), *_operation(project)):
        taken[wanted.id] = count = taken.get(wanted.id, 0) + 1
        name = wanted.id if count == 1 else f"{wanted.id}-{count}"
        reason = waived.get(name, "")
        found.append(wanted if name == wanted.id and not reason else _named(wanted, name, reason))
    return tuple(found)


def goals(project: Project) -> list[tuple[int, Goal]]:
    """The goals with their places in the list, the most important first."""
    stated = enumerate(project.project.goals)
    return sorted(stated, key=lambda at: (at[0] + 1 if at[1].priority is None else at[1].priority, at[0]))


def context(project: Project) -> Context:
    """What constraints know of the rest of the spec."""
    return Context(
        baselines={use.name: getattr(use.plugin, "metric", "") for use in project.evaluation.baselines or ()},
        confidence=msgspec.to_builtins(project.evaluation.confidence),
        abstains=project.project.users.abstain_below is not None,
    )


def _named(requirement: Requirement, name: str, waived: str) -> Requirement:
    return replace(requirement, id=name, waived=waived)


def _project(project: Project) -> Iterator[Requirement]:
    info = project.project
    for index, goal in enumerate(info.goals):
        path: Path = ("project", "goals", index)
        name = f"goals.{goal.name}"
        bounded = goal.metric is not None and (goal.at_least is not None or goal.at_most is not None)
        if goal.metric is not None and bounded:
            wanted = Quality(metric=goal.metric, at_least=goal.at_least, at_most=goal.at_most)
            yield from _follows(name, path, wanted, project, goal.statement)
        if goal.metric is not None and goal.guardrail:
            from mlspec.constraints.guardrail import Guardrail

            guardrail = Guardrail(metric=goal.metric, tolerance=goal.tolerance)
            own = f"{name}.guardrail" if bounded else name
            yield from _follows(own, path, guardrail, project, goal.statement)
        if goal.metric is None or not (bounded or goal.guardrail):
            binding: Binding = "nothing" if goal.metric is None else "measured"
            yield Requirement(id=name, path=path, binding=binding, text=goal.statement or goal.name)
    if info.interface is not None:
        inputs = len(info.interface.inputs)
        text = f"the model uses exactly {inputs} stated column{'' if inputs == 1 else 's'}"
        yield Requirement(id="interface", path=("project", "interface"), binding="compiled", text=text)
    users = info.users
    if users.trigger is not None:
        bound = "throughput" if users.trigger == "batch" else "latency"
        text = f"predictions are made {TRIGGERS[users.trigger]}: the {bound} has a bound"
        yield Requirement(id="trigger", path=("project", "users", "trigger"), binding="compiled", text=text)
    if users.examples:
        from mlspec.constraints.examples import Examples

        examples = Examples(examples=tuple(msgspec.to_builtins(example) for example in users.examples))
        yield from _follows("examples", ("project", "users", "examples"), examples, project)
    if users.mistakes is not None:
        mistakes = users.mistakes
        text = f"a false positive costs {mistakes.false_positive:g}, a false negative {mistakes.false_negative:g}"
        yield Requirement(id="mistakes", path=("project", "users", "mistakes"), binding="measured", text=text)
    if users.abstain_below is not None:
        text = f"a prediction with a probability below {users.abstain_below:g} goes to a person"
        yield Requirement(id="abstain", path=("project", "users", "abstain_below"), binding="measured", text=text)


def _constraints(project: Project) -> Iterator[Requirement]:
    constraints, known = project.constraints, context(project)
    for path, name, constraint in constraints.stated():
        for check in constraint.checks(known):
            yield _gate(f"{name}.{check.name}" if check.name else name, (*path, *check.at), name, check)
    if constraints.deadline is not None:
        text = f"the critical path takes at most {constraints.deadline:g} s"
        yield Requirement(id="deadline", path=("constraints", "deadline"), binding="measured", text=text)
    if constraints.infrastructure is not None:
        text = "it runs only on allowed infrastructure"
        yield Requirement(id="infrastructure", path=("constraints", "infrastructure"), binding="compiled", text=text)
    if constraints.reviewers:
        agree = sorted({name for who in constraints.reviewers.values() for name in who})
        text = f"changes are approved by {', '.join(agree)}"
        yield Requirement(id="reviewers", path=("constraints", "reviewers"), binding="compiled", text=text)


def _model(project: Project) -> Iterator[Requirement]:
    if project.model.personal is not None:
        from mlspec.constraints.personalization import Personalization

        yield from _follows("personalization", ("model", "personalization"), Personalization(), project)


def _operation(project: Project) -> Iterator[Requirement]:
    operation = project.operation
    if operation is None:
        return
    if operation.release is not None and operation.release.approve:
        text = f"a release is approved by {', '.join(sorted(operation.release.approve))}"
        yield Requirement(id="approvals", path=("operation", "release", "approve"), binding="measured", text=text)
    for path, name, text in monitored(operation):
        yield Requirement(id=f"monitor.{name}", path=path, binding="monitored", text=text)
    if operation.retrain is not None:
        path = ("operation", "retrain")
        yield Requirement(id="retrain", path=path, binding="monitored", text="it is said when to train again")
    if operation.rollout is not None:
        guard = ", ".join(operation.rollout.guard)
        for name, trial in (("shadow", operation.rollout.shadow), ("canary", operation.rollout.canary)):
            if trial is not None:
                text = f"in service, a candidate is tried as a {name} on {trial.rows:,} rows, by {guard}"
                yield Requirement(
                    id=f"rollout.{name}", path=("operation", "rollout", name), binding="monitored", text=text
                )


def _follows(name: str, path: Path, constraint: Constraint, project: Project, text: str = "") -> Iterator[Requirement]:
    """The gates of a constraint that is not stated under ``constraints`` but follows from another key."""
    kind = type(constraint).__module__.rpartition(".")[2]
    for check in constraint.checks(context(project)):
        yield _gate(name, path, kind, check, text)


def _gate(name: str, path: Path, kind: str, check: Check, text: str = "") -> Requirement:
    params = {"of": check.of or kind, **check.params}
    return Requirement(id=name, path=path, binding="gate", check=params, reads=check.reads, text=text)
