"""How a change of a key is classified where more than its two values decides, by what the spec says elsewhere."""

from typing import Any

import msgspec

from mlspec import registry
from mlspec.constraints.abstention import Abstention
from mlspec.constraints.quality import Quality
from mlspec.diff.change import Class
from mlspec.diff.directions import (
    Seen,
    ceiling,
    demand,
    floor,
    more_costs,
    replaced,
)
from mlspec.spec import Project, combining, units
from mlspec.spec.data import Columns
from mlspec.spec.model import CHECKS

MEASURED = more_costs("evaluation")


def goal(seen: Seen) -> Class:
    """A goal binds if it has a bound or is a guardrail."""
    goal = seen.new if seen.kind == "added" else seen.old
    binds = isinstance(goal, dict) and any(goal.get(key) for key in ("at_least", "at_most", "guardrail"))
    return demand(seen) if binds else "prose"


def goal_metric(seen: Seen) -> Class:
    """A goal that a gate decides on is another one by another metric."""
    old = next((goal for goal in seen.base.project.goals if f"[{goal.name}]" in seen.key), None)
    binds = old is not None and (old.at_least is not None or old.at_most is not None or old.guardrail)
    return replaced(seen) if binds else "evaluation"


def checks(seen: Seen) -> Class:
    """A check that no longer ends the run, or is no longer made, makes it weaker, whatever others do."""
    old, new = ([_severity(side, name) for name in CHECKS] for side in (seen.old, seen.new))
    return "loosened" if any(now < before for before, now in zip(old, new, strict=True)) else "tightened"


def _severity(checks: Any, name: str) -> int:
    return ("off", "warn", "stop").index(checks if isinstance(checks, str) else checks.get(name, "warn"))


def abstain(seen: Seen) -> Class:
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


def level(seen: Seen) -> Class:
    """A lower level makes narrower intervals, and so verdicts where the evidence gave none."""
    return floor(seen) if _is_gated(seen.base) else "evaluation"


def _beaten(seen: Seen, name: str) -> bool:
    """Whether a gate of the base needs a baseline."""
    if name == "previous" and any(goal.guardrail for goal in seen.base.project.goals):
        return True
    gates = (one for _, _, one in seen.base.constraints.stated() if isinstance(one, Quality))
    return any(gate.beats in ("baseline", name) for gate in gates)


def baseline(seen: Seen) -> Class:
    """A baseline that a gate has to beat is not removed without a finding."""
    gone = seen.kind == "removed" and _beaten(seen, seen.key[-1].strip("[]"))
    return "removed" if gone else MEASURED(seen)


def baseline_setting(seen: Seen) -> Class:
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


def metric_setting(seen: Seen) -> Class:
    """A gate on a metric is another one by other settings; where a mistake costs less, an easier one."""
    name = seen.key[-2].strip("[]")
    gates = [one for _, _, one in seen.base.constraints.stated() if isinstance(one, Quality)]
    if name not in {gate.metric for gate in gates} | {goal.metric for goal in seen.base.project.goals}:
        return "evaluation"
    return floor(seen) if name == "expected_cost" else replaced(seen)


def split_by(seen: Seen) -> Class:
    """A split by time or by group keeps what belongs together, or comes later, out of the training rows."""
    return "loosened" if seen.old in ("time", "group") else "evaluation"


def gap(seen: Seen) -> Class:
    """A smaller gap before the test rows is less strict, in seconds or rows."""
    old, new = (units.parse("duration", end) if isinstance(end, str) else end for end in (seen.old, seen.new))
    return floor(Seen(seen.kind, seen.key, old, new, seen.base, seen.head))


def waiver(seen: Seen) -> Class:
    """A waiver more is less strict."""
    return "loosened" if seen.kind == "added" else "tightened"


def reviewers(seen: Seen) -> Class:
    """Fewer or other reviewers are less strict."""
    return "tightened" if seen.kind == "added" else "removed" if seen.kind == "removed" else "loosened"


def stages(seen: Seen) -> Class:
    """A bundle that skips a stage, or comes to it in another order, is checked less."""
    old, new = list(seen.old or ()), list(seen.new or ())
    kept = [stage for stage in new if stage in old]
    return "tightened" if kept == old else "removed" if not new else "loosened"


def promotion(seen: Seen) -> Class:
    """Without a person, a model comes into service that nobody has looked at."""
    return "loosened" if seen.new == "gates_and_not_worse" else "tightened"


def guards(seen: Seen) -> Class:
    """A guard that is gone no longer ends a rollout."""
    return "tightened" if set(seen.old or ()) <= set(seen.new or ()) else "loosened"


def source(seen: Seen) -> Class:
    """A source from outside is an exposure."""
    settings = seen.new if isinstance(seen.new, dict) else {}
    return "exposure" if seen.kind != "removed" and _is_external(settings.get("path", "")) else "evaluation"


def source_path(seen: Seen) -> Class:
    """A path that leads outside now is an exposure."""
    return "exposure" if _is_external(seen.new) and not _is_external(seen.old) else "evaluation"


def source_kind(seen: Seen) -> Class:
    """Another kind of source that leads outside now is an exposure."""
    old, new = (side.get("path") if isinstance(side, dict) else None for side in (seen.old, seen.new))
    return "evaluation" if old == new or not _is_external(new) or _is_external(old) else "exposure"


def personal(seen: Seen) -> Class:
    """Whose rows have answers of their own: callers send the key; one that names people, or is sensitive, is used."""
    columns = seen.head.data.columns
    wanted = seen.head.model.personalization
    if seen.kind == "removed" or wanted is None:
        return "contract"
    people = wanted.level == "user" or wanted.key in (columns.id, *columns.sensitive)
    before = seen.base.model.personalization
    told = before is not None and before.level == wanted.level and before.key == wanted.key
    return "exposure" if people and wanted.level != "global" and not told else "contract"


def mitigation(seen: Seen) -> Class:
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


def server(seen: Seen) -> Class:
    """Each run goes there with its report and its model."""
    return "prose" if seen.kind == "removed" else "exposure"


def allowance(seen: Seen) -> Class:
    """Callers may send less than before."""
    return "contract" if ceiling(seen) == "tightened" else "prose"


def retained(seen: Seen) -> Class:
    """More of what callers send is kept, or for longer."""
    return "exposure" if ceiling(seen) == "loosened" else "prose"


def sealed(seen: Seen) -> Class:
    """Without a key, what is put elsewhere can be read there."""
    return "exposure" if seen.new is None else "tightened" if seen.old is None else "prose"


def private(seen: Seen) -> Class:
    """What a model's weights may reveal about a row: a larger budget, or no bound, reveals more."""
    if seen.old is None or seen.new is None:
        return "result" if seen.old is None else "exposure"
    old, new = msgspec.to_builtins(seen.old), msgspec.to_builtins(seen.new)
    return "exposure" if any(new[part] > old[part] for part in ("epsilon", "delta")) else "result"


def person(seen: Seen) -> Class:
    """The stated kind of personal data of a column: the less, the less it is guarded."""
    order = ("public", "sensitive", "quasi_identifier", "direct_identifier")
    return "exposure" if order.index(seen.new) < order.index(seen.old) else "tightened"


def store(seen: Seen) -> Class:
    """A store elsewhere sees whatever is computed."""
    return "exposure" if _is_external(seen.new) and seen.new != seen.old else "prose"


def backend(seen: Seen) -> Class:
    """A backend whose store is outside is an exposure."""
    settings = seen.new if isinstance(seen.new, dict) else {}
    return "exposure" if _is_external(settings.get("store")) else "prose"


def _is_external(path: object) -> bool:
    return isinstance(path, str) and ("://" in path or path.startswith(("/", "..", "~")) or path[1:3] == ":\\")


def _hidden(columns: Columns) -> set[str | None]:
    """The columns that no model sees, whatever else there is in the data."""
    guarded = set(columns.sensitive) - set(columns.use_sensitive)
    return {*columns.drop, *guarded, columns.id, columns.weight, columns.target}


def columns(seen: Seen) -> Class:
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
    return derive(seen) if values[0] ^ values[1] <= derived else "contract"


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


def derive(seen: Seen) -> Class:
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
