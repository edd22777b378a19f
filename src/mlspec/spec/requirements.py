"""Project -> its requirements: all that is stated of the model under ``project`` and ``constraints`` (and whose models
there are), each with what it is bound to."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from mlspec.document import Path
from mlspec.spec import Project
from mlspec.spec.privacy import PrivacyGates
from mlspec.spec.project import Goal

Binding = Literal["gate", "measured", "compiled", "nothing"]
TRIGGERS = {"on_request": "on request", "stream": "in a stream", "batch": "in batches"}
QUANTILES = ("p50", "p95", "p99")


class Requirement(Struct, frozen=True, kw_only=True):
    """Something that is required.

    ``id`` is its name, unique in a spec; ``path`` where it is stated. ``binding``: a gate decides on it, it is measured
    and shown, the compiler has checked it, or nothing does. ``check`` is what a gate is to check; ``text`` the
    requirement in words where no gate puts it into words; ``waived`` the reason not to hold to it.
    """

    id: str
    path: Path
    binding: Binding
    check: Mapping[str, Any] = {}
    text: str = ""
    waived: str = ""


def requirements(project: Project) -> tuple[Requirement, ...]:
    """The requirements of a resolved project, in the spec's order."""
    waived = {waiver.requirement: waiver.reason for waiver in project.constraints.waivers}
    taken: dict[str, int] = {}
    found = []
    for wanted in (*_project(project), *_constraints(project), *_model(project)):
        taken[wanted.id] = count = taken.get(wanted.id, 0) + 1
        name = wanted.id if count == 1 else f"{wanted.id}-{count}"
        reason = waived.get(name, "")
        found.append(wanted if name == wanted.id and not reason else _named(wanted, name, reason))
    return tuple(found)


def goals(project: Project) -> list[tuple[int, Goal]]:
    """The goals with their places in the list, the most important first."""
    stated = enumerate(project.project.goals)
    return sorted(stated, key=lambda at: (at[0] + 1 if at[1].priority is None else at[1].priority, at[0]))


def _named(requirement: Requirement, name: str, waived: str) -> Requirement:
    from msgspec.structs import replace

    return replace(requirement, id=name, waived=waived)


def _project(project: Project) -> Iterator[Requirement]:
    info = project.project
    for index, goal in enumerate(info.goals):
        path: Path = ("project", "goals", index)
        name = f"goals.{goal.name}"
        bounded = goal.metric is not None and (goal.at_least is not None or goal.at_most is not None)
        if bounded:
            check = {"of": "quality", "metric": goal.metric, "at_least": goal.at_least, "at_most": goal.at_most}
            yield Requirement(id=name, path=path, binding="gate", check=check, text=goal.statement)
        if goal.metric is not None and goal.guardrail:
            check = {"of": "guardrail", "metric": goal.metric, "tolerance": goal.tolerance}
            own = f"{name}.guardrail" if bounded else name
            yield Requirement(id=own, path=path, binding="gate", check=check, text=goal.statement)
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
        yield Requirement(
            id="examples", path=("project", "users", "examples"), binding="gate", check={"of": "examples"}
        )
    if users.mistakes is not None:
        mistakes = users.mistakes
        text = f"a false positive costs {mistakes.false_positive:g}, a false negative {mistakes.false_negative:g}"
        yield Requirement(id="mistakes", path=("project", "users", "mistakes"), binding="measured", text=text)
    if users.abstain_below is not None:
        text = f"a prediction with a probability below {users.abstain_below:g} goes to a person"
        yield Requirement(id="abstain", path=("project", "users", "abstain_below"), binding="measured", text=text)


def _constraints(project: Project) -> Iterator[Requirement]:
    constraints = project.constraints

    def gate(name: str, path: Path, **check: Any) -> Requirement:
        return Requirement(id=name, path=("constraints", *path), binding="gate", check=check)

    for index, quality in enumerate(constraints.quality):
        at: Path = ("quality", index)
        of = {"of": "quality", "metric": quality.metric}
        if quality.at_least is not None or quality.at_most is not None:
            yield gate(f"quality.{quality.metric}", at, **of, at_least=quality.at_least, at_most=quality.at_most)
        if quality.beats is not None:
            for baseline in _against(project, quality.metric) if quality.beats == "baseline" else [quality.beats]:
                name = f"quality.{quality.metric}.beats.{baseline}"
                yield gate(name, at, **of, beats=baseline, by=quality.by)
    for index, fairness in enumerate(constraints.fairness):
        yield gate(
            f"fairness.{fairness.metric}.{'+'.join(fairness.group)}",
            ("fairness", index),
            of="fairness",
            metric=fairness.metric,
            group=list(fairness.group),
            minimum_rows=fairness.minimum_rows,
            at_least=fairness.at_least,
            at_most=fairness.at_most,
        )
    if constraints.privacy is not None:
        yield from _privacy(constraints.privacy)
    if constraints.abstention is not None:
        for what, side in (("coverage", "at_least"), ("risk", "at_most")):
            bound = getattr(constraints.abstention, f"{what}_{side}")
            if bound is not None:
                own: dict[str, Any] = {"of": "abstention", "what": what, side: bound}
                yield gate(f"abstention.{what}", ("abstention", f"{what}_{side}"), **own)
    if constraints.latency is not None:
        for quantile in QUANTILES:
            bound = getattr(constraints.latency, quantile)
            if bound is not None:
                yield gate(f"latency.{quantile}", ("latency", quantile), of="latency", quantile=quantile, at_most=bound)
    if constraints.throughput is not None:
        bound = constraints.throughput.rows_per_second
        yield gate("throughput", ("throughput", "rows_per_second"), of="throughput", at_least=bound)
    if constraints.size is not None:
        if constraints.size.model is not None:
            yield gate("size.model", ("size", "model"), of="size", at_most=constraints.size.model)
        if constraints.size.memory is not None:
            yield gate("size.memory", ("size", "memory"), of="serving_memory", at_most=constraints.size.memory)
    if constraints.budget is not None:
        for what in ("wall_time", "memory", "gpus", "gpu_hours"):
            bound = getattr(constraints.budget, what)
            if bound is not None:
                yield gate(f"budget.{what}", ("budget", what), of="budget", what=what, at_most=bound)
        money = constraints.budget.money
        if money is not None:
            price = {"cpu_hour": money.cpu_hour, "gpu_hour": money.gpu_hour, "unit": money.unit}
            yield gate("budget.money", ("budget", "money"), of="budget", what="money", at_most=money.at_most, **price)
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


def _privacy(privacy: PrivacyGates) -> Iterator[Requirement]:
    at: Path = ("constraints", "privacy")

    def gate(what: str, **check: Any) -> Requirement:
        own = {"of": "privacy", "what": what, **check}
        return Requirement(id=f"privacy.{what}", path=(*at, what), binding="gate", check=own)

    if privacy.direct_identifiers is not None:
        yield gate("direct_identifiers")
    if privacy.k_anonymity is not None:
        found = privacy.k_anonymity
        yield gate("k_anonymity", columns=list(found.columns), at_least=found.k)
    if privacy.l_diversity is not None:
        diverse = privacy.l_diversity
        yield gate("l_diversity", columns=list(diverse.columns), sensitive=diverse.sensitive, at_least=diverse.l)
    if privacy.membership is not None:
        yield gate("membership", at_most=privacy.membership.at_most)
    if privacy.differential_privacy is not None:
        asked = privacy.differential_privacy
        yield gate("differential_privacy", epsilon=asked.epsilon, delta=asked.delta)


def _model(project: Project) -> Iterator[Requirement]:
    if project.model.personal is not None:
        check = {"of": "personalization"}
        yield Requirement(id="personalization", path=("model", "personalization"), binding="gate", check=check)


def _against(project: Project, metric: str) -> list[str]:
    """The baselines that a metric can be compared with: people were measured by one metric alone."""
    listed = project.evaluation.baselines or ()
    return sorted({use.name for use in listed if getattr(use.plugin, "metric", metric) == metric})
