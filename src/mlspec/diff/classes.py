"""How a change of each key is classified: one table, by the pattern of the key's path.

Patterns: ``.*`` any name in a mapping, ``[]`` any entry of a list, ``<name>`` a plug-in's own setting, ``<>`` any that
has no rule of its own, ``[] order`` the order of a list. A container that may be absent has a rule for its coming and
going. A key that has no rule here fails ``tests/diff/test_classes.py`` and, at run time, the comparison.
"""

import msgspec

from mlspec import registry
from mlspec.constraints.abstention import Abstention
from mlspec.constraints.quality import Quality
from mlspec.diff import constraint_rules
from mlspec.diff.change import Class
from mlspec.diff.directions import (
    Rule,
    Seen,
    always,
    asked,
    ceiling,
    demand,
    floor,
    guarded,
    more_costs,
    only,
    pardon,
    ranked,
    replaced,
    span,
    wider,
)
from mlspec.spec import Project, combining, units
from mlspec.spec.data import Columns

CONTRACT, EVALUATION = always("contract"), always("evaluation")
RESULT, PROSE = always("result"), always("prose")
COST = more_costs()
MEASURED, SHOWN = more_costs("evaluation"), more_costs("prose")


def _goal(seen: Seen) -> Class:
    goal = seen.new if seen.kind == "added" else seen.old
    binds = isinstance(goal, dict) and any(goal.get(key) for key in ("at_least", "at_most", "guardrail"))
    return demand(seen) if binds else "prose"


def _goal_metric(seen: Seen) -> Class:
    """A goal that a gate decides on is another one by another metric."""
    old = next((goal for goal in seen.base.project.goals if f"[{goal.name}]" in seen.key), None)
    binds = old is not None and (old.at_least is not None or old.at_most is not None or old.guardrail)
    return replaced(seen) if binds else "evaluation"


def _abstain(seen: Seen) -> Class:
    """More that is handed to people makes fewer errors, and less of it covers more."""
    if seen.old is None or seen.new is None:
        return "contract"
    bounds = seen.base.constraints.one(Abstention)
    eased = bounds and (bounds.risk_at_most if seen.new > seen.old else bounds.coverage_at_least)
    return "result" if eased is None else "loosened"


def _is_gated(project: Project) -> bool:
    """Whether a gate judges the model by an interval."""
    goals = any(
        goal.at_least is not None or goal.at_most is not None or goal.guardrail for goal in project.project.goals
    )
    return goals or any(constraint.on_test_rows for _, _, constraint in project.constraints.stated())


def _level(seen: Seen) -> Class:
    """A lower level makes narrower intervals, and so verdicts where the evidence gave none."""
    return floor(seen) if _is_gated(seen.base) else "evaluation"


def _beaten(seen: Seen, name: str) -> bool:
    """Whether a gate of the base needs a baseline."""
    if name == "previous" and any(goal.guardrail for goal in seen.base.project.goals):
        return True
    gates = (one for _, _, one in seen.base.constraints.stated() if isinstance(one, Quality))
    return any(gate.beats in ("baseline", name) for gate in gates)


def _baseline(seen: Seen) -> Class:
    gone = seen.kind == "removed" and _beaten(seen, seen.key[-1].strip("[]"))
    return "removed" if gone else MEASURED(seen)


def _baseline_setting(seen: Seen) -> Class:
    """A baseline that is to be beaten, by what it goes by."""
    name, setting = seen.key[-2].strip("[]"), seen.key[-1]
    if not _beaten(seen, name):
        return "evaluation"
    if setting == "cases":
        return floor(seen) if seen.new is None else ceiling(seen)  # from more cases less is left open
    human = next((use.plugin for use in seen.head.evaluation.baselines or () if use.name == name), None)
    metric = getattr(human, "metric", "")
    if setting == "value" and registry.has("metrics", metric):
        return floor(seen) if getattr(registry.plugin("metrics", metric), "greater_is_better", True) else ceiling(seen)
    return replaced(seen)


def _metric_setting(seen: Seen) -> Class:
    """A gate on a metric is another one by other settings; where a mistake costs less, an easier one."""
    name = seen.key[-2].strip("[]")
    gates = [one for _, _, one in seen.base.constraints.stated() if isinstance(one, Quality)]
    if name not in {gate.metric for gate in gates} | {goal.metric for goal in seen.base.project.goals}:
        return "evaluation"
    return floor(seen) if name == "expected_cost" else replaced(seen)


def _split_by(seen: Seen) -> Class:
    """A split by time or by group keeps what belongs together, or comes later, out of the training rows."""
    return "loosened" if seen.old in ("time", "group") else "evaluation"


def _gap(seen: Seen) -> Class:
    old, new = (units.parse("duration", end) if isinstance(end, str) else end for end in (seen.old, seen.new))
    return floor(Seen(seen.kind, seen.key, old, new, seen.base, seen.head))


def _waiver(seen: Seen) -> Class:
    return "loosened" if seen.kind == "added" else "tightened"


def _reviewers(seen: Seen) -> Class:
    return "tightened" if seen.kind == "added" else "removed" if seen.kind == "removed" else "loosened"


def _source(seen: Seen) -> Class:
    settings = seen.new if isinstance(seen.new, dict) else {}
    return "exposure" if seen.kind != "removed" and _is_external(settings.get("path", "")) else "evaluation"


def _source_path(seen: Seen) -> Class:
    return "exposure" if _is_external(seen.new) and not _is_external(seen.old) else "evaluation"


def _source_kind(seen: Seen) -> Class:
    old, new = (side.get("path") if isinstance(side, dict) else None for side in (seen.old, seen.new))
    return "evaluation" if old == new or not _is_external(new) or _is_external(old) else "exposure"


def _personal(seen: Seen) -> Class:
    """Whose rows have answers of their own: callers send the key; one that names people, or is sensitive, is used."""
    columns = seen.head.data.columns
    wanted = seen.head.model.personalization
    if seen.kind == "removed" or wanted is None:
        return "contract"
    people = wanted.level == "user" or wanted.key in (columns.id, *columns.sensitive)
    before = seen.base.model.personalization
    told = before is not None and before.level == wanted.level and before.key == wanted.key
    return "exposure" if people and wanted.level != "global" and not told else "contract"


def _mitigation(seen: Seen) -> Class:
    """Where groups are decided by thresholds of their own, a sensitive column decides, and callers send it; what is let
    go of was a guard of people; anything else is another model."""
    base, head = seen.base.model.mitigation, seen.head.model.mitigation
    if head is None:
        return "removed"
    if base is None:
        return "exposure" if head.method == "thresholds" else "tightened"
    if head.method == "thresholds" and (base.method != "thresholds" or set(head.group) - set(base.group)):
        return "exposure"
    if base.method == "thresholds" and (head.method != "thresholds" or base.group != head.group):
        return "contract"
    return "loosened" if set(base.group) - set(head.group) else "result"


def _server(seen: Seen) -> Class:
    """Each run goes there with its report and its model."""
    return "prose" if seen.kind == "removed" else "exposure"


def _sealed(seen: Seen) -> Class:
    """Without a key, what is put elsewhere can be read there."""
    return "exposure" if seen.new is None else "tightened" if seen.old is None else "prose"


def _private(seen: Seen) -> Class:
    """What a model's weights may reveal about a row: a larger budget, or no bound, reveals more."""
    if seen.old is None or seen.new is None:
        return "result" if seen.old is None else "exposure"
    old, new = msgspec.to_builtins(seen.old), msgspec.to_builtins(seen.new)
    return "exposure" if any(new[part] > old[part] for part in ("epsilon", "delta")) else "result"


def _person(seen: Seen) -> Class:
    """The stated kind of personal data of a column: the less, the less it is guarded."""
    order = ("public", "sensitive", "quasi_identifier", "direct_identifier")
    return "exposure" if order.index(seen.new) < order.index(seen.old) else "tightened"


def _store(seen: Seen) -> Class:
    """A store elsewhere sees whatever is computed."""
    return "exposure" if _is_external(seen.new) and seen.new != seen.old else "prose"


def _backend(seen: Seen) -> Class:
    settings = seen.new if isinstance(seen.new, dict) else {}
    return "exposure" if _is_external(settings.get("store")) else "prose"


def _is_external(path: object) -> bool:
    return isinstance(path, str) and ("://" in path or path.startswith(("/", "..", "~")) or path[1:3] == ":\\")


def _hidden(columns: Columns) -> set[str | None]:
    """The columns that no model sees, whatever else there is in the data."""
    guarded = set(columns.sensitive) - set(columns.use_sensitive)
    return {*columns.drop, *guarded, columns.id, columns.weight, columns.target}


def _columns(seen: Seen) -> Class:
    """What a model sees: a hidden column, because it is sensitive or identifies a row, is an exposure; any other is
    another contract; the same columns, said in another way, are none."""
    base, head = seen.base.data.columns, seen.head.data.columns
    before, after = _hidden(base), _hidden(head)
    if (before, base.features and set(base.features)) == (after, head.features and set(head.features)):
        return "prose"
    kept = {*base.sensitive, *head.sensitive, base.id} - {None}
    if base.features is not None:
        before |= kept - set(base.features)
    newly = {name for name in kept & before - after if head.features is None or name in head.features}
    # Only what this key removes or adds is reported at this key.
    values = [set(value) if isinstance(value, list) else {value} for value in (seen.old, seen.new)]
    if newly & (values[0] ^ values[1]):
        return "exposure"
    derived = seen.base.data.derive.keys() | seen.head.data.derive.keys()
    return _derive(seen) if values[0] ^ values[1] <= derived else "contract"


def _sent(project: Project) -> tuple[set[str], set[str]]:
    """The columns that derived features read of the data; and those that callers send as far as the spec says so."""
    derived, said = project.data.derive, project.data.columns
    features = derived.keys() - _hidden(said) if said.features is None else derived.keys() & set(said.features)
    waiting, read = list(features), set[str]()
    while waiting:
        for name in set(combining.names(derived[waiting.pop()])) - read:
            read.add(name)
            waiting += [name] if name in derived else []
    return read - derived.keys(), (read | set(said.features or ())) - derived.keys()


def _derive(seen: Seen) -> Class:
    """A derived column is a change for callers only where it reads what they have not sent, or the last that did."""
    (old, before), (new, after) = _sent(seen.base), _sent(seen.head)
    columns = seen.head.data.columns
    everything = seen.base.data.columns.features is None and columns.features is None
    newly, gone = new - before, old - after
    if newly & ({*columns.sensitive, columns.id} - set(columns.use_sensitive)):
        return "exposure"
    if everything:
        newly, gone = newly & _hidden(seen.base.data.columns), gone & _hidden(columns)
    return "contract" if newly or gone else "result"


RULES: dict[str, Rule] = {
    "mlspec": RESULT,
    # project
    "project.name": PROSE,
    "project.goal": PROSE,
    "project.task": CONTRACT,
    "project.owners": PROSE,
    "project.license": PROSE,
    "project.goals[]": _goal,
    "project.goals[] order": PROSE,
    "project.goals[].name": PROSE,
    "project.goals[].statement": PROSE,
    "project.goals[].metric": _goal_metric,
    "project.goals[].direction": PROSE,
    "project.goals[].at_least": floor,
    "project.goals[].at_most": ceiling,
    "project.goals[].guardrail": asked,
    "project.goals[].tolerance": ceiling,
    "project.goals[].priority": PROSE,
    "project.interface": CONTRACT,
    "project.interface.inputs.*": CONTRACT,
    "project.interface.classes": CONTRACT,
    "project.users.decision": PROSE,
    "project.users.trigger": CONTRACT,
    "project.users.examples[]": demand,
    "project.users.examples[] order": PROSE,
    "project.users.examples[].row.*": CONTRACT,
    "project.users.examples[].answer": CONTRACT,
    "project.users.examples[].at_least": floor,
    "project.users.examples[].at_most": ceiling,
    "project.users.mistakes": RESULT,
    "project.users.mistakes.false_positive": RESULT,
    "project.users.mistakes.false_negative": RESULT,
    "project.users.mistakes.recall": demand,
    "project.users.mistakes.recall.at_least": floor,
    "project.users.mistakes.precision": demand,
    "project.users.mistakes.precision.at_least": floor,
    "project.users.abstain_below": _abstain,
    # constraints: plug-ins say themselves which way their bounds point
    "constraints.deadline": ceiling,
    "constraints.infrastructure": demand,
    "constraints.infrastructure.engines": only,
    "constraints.infrastructure.devices": only,
    "constraints.infrastructure.platforms": only,
    "constraints.infrastructure.machines": only,
    "constraints.reviewers.*": _reviewers,
    "constraints.waivers[]": _waiver,
    "constraints.waivers[].requirement": EVALUATION,
    "constraints.waivers[].reason": PROSE,
    # data
    "data.personal.*": guarded(demand),
    "data.personal.*.kind": _person,
    "data.personal.*.action": guarded(demand),
    "data.personal.*.action.(step)": always("exposure"),
    "data.personal.*.action.<reason>": PROSE,
    "data.personal.*.action.<>": always("exposure"),
    "data.join[]": CONTRACT,
    "data.join[] order": RESULT,
    "data.join[].source": CONTRACT,
    "data.join[].keys": RESULT,
    "data.join[].as_of": demand,
    "data.join[].as_of.row": RESULT,
    "data.join[].as_of.source": RESULT,
    "data.join[].as_of.within": RESULT,
    "data.join[].as_of.before": asked,
    "data.join[].how": EVALUATION,
    "data.join[].columns": CONTRACT,
    "data.join[].prefix": CONTRACT,
    "data.derive.*": _derive,
    "data.filter": EVALUATION,
    "data.sources.*": _source,
    "data.sources.*.format": _source_kind,
    "data.sources.*.<path>": _source_path,
    "data.sources.*.<part>": EVALUATION,
    "data.sources.*.<minimum_rows>": floor,
    "data.sources.*.<fresh_within>": ceiling,
    "data.sources.*.<on_change>": ranked("accept", "warn", "fail"),
    "data.sources.*.<>": RESULT,
    "data.columns.target": CONTRACT,
    "data.columns.positive": CONTRACT,
    "data.columns.transform": RESULT,
    "data.columns.features": _columns,
    "data.columns.id": _columns,
    "data.columns.weight": _columns,
    "data.columns.sensitive": _columns,
    "data.columns.use_sensitive": _columns,
    "data.columns.drop": _columns,
    "data.columns.types.*": CONTRACT,
    "data.expect[]": demand,
    "data.expect[] order": PROSE,
    "data.expect[].rows": demand,
    "data.expect[].rows.at_least": floor,
    "data.expect[].rows.at_most": ceiling,
    "data.expect[].rows.change": demand,
    "data.expect[].rows.change.at_most": ceiling,
    "data.expect[].column": replaced,
    "data.expect[].between": span,
    "data.expect[].missing": demand,
    "data.expect[].missing.at_least": floor,
    "data.expect[].missing.at_most": ceiling,
    "data.expect[].missing.change": demand,
    "data.expect[].missing.change.at_most": ceiling,
    "data.expect[].unique": asked,
    **{
        f"data.expect[].{key}": rule
        for bounds in ("length", "distinct", "sum", "mean", "quantile", "groups.count", "groups.rows", "groups.share")
        for key, rule in ((bounds, demand), (f"{bounds}.at_least", floor), (f"{bounds}.at_most", ceiling))
    },
    "data.expect[].quantile.at": replaced,
    "data.expect[].groups": demand,
    "data.expect[].holds": replaced,
    "data.expect[].columns": replaced,
    "data.expect[].type": replaced,
    "data.expect[].matches": replaced,
    "data.expect[].refers_to": demand,
    "data.expect[].refers_to.source": replaced,
    "data.expect[].refers_to.column": replaced,
    "data.expect[].freshness": demand,
    "data.expect[].freshness.at_most": ceiling,
    "data.expect[].drift": demand,
    "data.expect[].drift.psi": ceiling,
    "data.expect[].drift.ks": ceiling,
    "data.expect[].drift.chi_squared": floor,
    "data.expect[].anomalies": demand,
    "data.expect[].anomalies.at_most": ceiling,
    "data.expect[].anomalies.reach": ceiling,
    "data.expect[].anomalies.together": ceiling,
    "data.expect[].unseen": demand,
    "data.expect[].unseen.at_most": ceiling,
    "data.expect[].source": replaced,
    "data.expect[].tolerance": ceiling,
    "data.expect[].severity": ranked("warn", "error"),
    "data.expect[].on_fail": ranked("drop_rows", "quarantine", "stop"),
    "data.expect[].allowed": only,
    "data.split.by": _split_by,
    "data.split.column": EVALUATION,
    "data.split.stratify": EVALUATION,
    "data.split.gap": _gap,
    "data.split.test": EVALUATION,
    "data.split.validation": RESULT,  # the test rows stay the same
    "data.split.seed": EVALUATION,
    "data.sample": EVALUATION,
    # preprocessing
    "preprocessing.numeric": RESULT,
    "preprocessing.category": RESULT,
    "preprocessing.date": RESULT,
    "preprocessing.image": RESULT,
    "preprocessing.numeric[]": RESULT,
    "preprocessing.category[]": RESULT,
    "preprocessing.date[]": RESULT,
    "preprocessing.image[]": RESULT,
    "preprocessing.numeric[] order": RESULT,
    "preprocessing.category[] order": RESULT,
    "preprocessing.date[] order": RESULT,
    "preprocessing.image[] order": RESULT,
    "preprocessing.numeric[].<>": RESULT,
    "preprocessing.category[].<>": RESULT,
    "preprocessing.date[].<>": RESULT,
    "preprocessing.image[].<>": RESULT,
    "preprocessing.interactions[]": RESULT,
    "preprocessing.interactions[] order": RESULT,
    "preprocessing.interactions[].product": RESULT,
    "preprocessing.interactions[].ratio": RESULT,
    "preprocessing.interactions[].cross": RESULT,
    "preprocessing.columns.*": RESULT,
    "preprocessing.columns.*[]": RESULT,
    "preprocessing.columns.*[] order": RESULT,
    "preprocessing.columns.*[].<>": RESULT,
    # model
    "model.candidates.*": COST,
    "model.candidates.*.type": RESULT,
    "model.candidates.*.<>": RESULT,
    "model.candidates.*.<private>": _private,
    "model.candidates.*.<epochs>": COST,
    "model.candidates.*.<trees>": COST,
    "model.candidates.*.<max_iter>": COST,
    "model.candidates.*.<members>": COST,
    "model.select.metric": RESULT,
    "model.select.rule": RESULT,
    "model.cross_validation": COST,
    "model.cross_validation.folds": COST,
    "model.cross_validation.by": RESULT,
    "model.cross_validation.column": RESULT,
    "model.cross_validation.seed": RESULT,
    "model.cross_validation.nested": COST,
    "model.personalization": _personal,
    "model.personalization.level": _personal,
    "model.personalization.key": _personal,
    "model.personalization.strategy": RESULT,
    "model.personalization.min_group_size": RESULT,
    "model.personalization.parts": PROSE,
    "model.mitigation": _mitigation,
    "model.mitigation.method": _mitigation,
    "model.mitigation.group": _mitigation,
    "model.mitigation.metric": replaced,
    "model.mitigation.at_most": ceiling,
    "model.mitigation.lawful_basis": PROSE,
    "model.mitigation.minimum_rows": ceiling,
    "model.mitigation.rounds": COST,
    "model.ensemble": RESULT,
    "model.checks": ranked("off", "warn", "stop"),
    "model.accept.*": pardon,
    "model.calibrate": RESULT,
    "model.seed": RESULT,
    "model.repeats": COST,
    "model.time": COST,
    # tuning
    "tuning.*": COST,
    "tuning.*.trials": COST,
    "tuning.*.time": COST,
    "tuning.*.money": COST,
    "tuning.*.sampler": RESULT,
    "tuning.*.pruner": RESULT,
    "tuning.*.parallel": RESULT,
    "tuning.*.seed": RESULT,
    "tuning.*.space": RESULT,
    "tuning.*.space.*": RESULT,
    "tuning.*.space.*.uniform": RESULT,
    "tuning.*.space.*.log": RESULT,
    "tuning.*.space.*.integer": RESULT,
    "tuning.*.space.*.log_integer": RESULT,
    "tuning.*.space.*.choice": RESULT,
    # evaluation
    "evaluation.metrics": EVALUATION,
    "evaluation.metrics[]": MEASURED,
    "evaluation.metrics[] order": PROSE,
    "evaluation.metrics[].<>": _metric_setting,
    "evaluation.baselines": EVALUATION,
    "evaluation.baselines[]": _baseline,
    "evaluation.baselines[].<>": _baseline_setting,
    "evaluation.confidence.level": _level,
    "evaluation.confidence.resamples": EVALUATION,
    "evaluation.holdout": demand,
    "evaluation.holdout.max_uses": ceiling,
    "evaluation.slices": wider,
    "evaluation.slice_rows": PROSE,
    "evaluation.worst_slice": SHOWN,
    "evaluation.importance": SHOWN,
    "evaluation.scaling": SHOWN,
    "evaluation.scaling.fractions": wider,
    "evaluation.scaling.repeats": COST,
    # storage: how long what runs leave is kept changes no result, but who can read it
    "storage.keep": PROSE,
    "storage.snapshots.keep": PROSE,
    "storage.snapshots.format": PROSE,
    "storage.snapshots.compression": PROSE,
    "storage.encrypt": _sealed,
    # report: another server for runs changes no result, but who sees them
    "report.mlflow": _server,
    "report.mlflow.tracking_uri": _server,
    "report.mlflow.experiment": PROSE,
    # backend: who carries the steps out changes no result, on what and how may
    "backends.*": _backend,
    **{
        f"{place}.{key}": rule
        for place in ("backend", "backends.*")
        for key, rule in (
            ("engine", PROSE),
            ("device", RESULT),
            ("precision", RESULT),
            ("compile", RESULT),
            ("processes", RESULT),
            ("on_out_of_memory", RESULT),
            ("reproducible", RESULT),
            ("workers", PROSE),
            ("memory", PROSE),
            ("step_timeout", PROSE),
            ("run_timeout", PROSE),
            ("store", _store),
        )
    },
    # what is in no key
    "profiles.*": PROSE,
    "(spec)": PROSE,
    "(data) source": EVALUATION,
    "(data) column": CONTRACT,
    "(data) file": RESULT,
    "(gate)": demand,
}


def rule_of(pattern: str) -> str:
    """The pattern of the rule for a key. Raises LookupError where there is none: that is an error, not a silence."""
    if pattern in RULES or constraint_rules.rule(pattern) is not None:
        return pattern
    if pattern.endswith(">"):
        general = f"{pattern[: pattern.rindex('<')]}<>"
        if general in RULES:
            return general
    name = f'    "{pattern}": ...,'
    raise LookupError(f"no rule classifies a change of '{pattern}': add to RULES in diff/classes.py:\n{name}")


def classify(pattern: str, seen: Seen) -> Class:
    """The class of a change."""
    rule = constraint_rules.rule(pattern)
    return RULES[rule_of(pattern)](seen) if rule is None else rule(seen)
