"""What a run did not show, or showed to be wanting: sentences that follow from its facts alone."""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.run import RunFacts

MOST = 5
DRAWN = ("at random", "whole groups")


def limitations(facts: RunFacts) -> list[str]:
    """Plain sentences, the gravest first: leaks, requirements that fail or are open, what was not looked at."""
    return [
        *_leaks(facts),
        *_gates(facts),
        *_expectations(facts),
        *_probabilities(facts),
        *_parts(facts),
        *_unseen(facts),
    ]


def _leaks(facts: RunFacts) -> Iterator[str]:
    for check in facts.checks:
        if check.leak and check.fails:
            yield f"The results may be better than in use: {check.measured} ({check.check})."
        elif check.leak and check.accepted:
            yield f"Accepted by the project: {check.measured} ({check.check}): {check.accepted}"


def _gates(facts: RunFacts) -> Iterator[str]:
    for verdict, message in (("fail", "Failed"), ("unknown", "Cannot be decided with this evidence")):
        for gate in facts.gates:
            if gate.verdict == verdict:
                because = f" ({gate.reason})" if gate.reason else ""
                yield f"{message}: {gate.requirement}; measured {sentences.gate_value(gate)}{because}."
    if not facts.gates:
        yield "The project states no requirements, so nothing says how good this model has to be."
    if facts.outcome in ("error", "interrupted"):
        yield "The run did not finish, so some requirements of the project were not checked."


def _expectations(facts: RunFacts) -> Iterator[str]:
    for fact in facts.data.expectations:
        if not fact.holds:
            yield f"The data is not as expected: {fact.text}; measured {fact.measured}."
    if not facts.data.expectations:
        yield "The project states no expectations of the data, so different data would be accepted without a warning."


def _probabilities(facts: RunFacts) -> Iterator[str]:
    apart = [part for part in facts.evaluation.reliability if not part.low <= part.predicted <= part.high]
    if apart:
        worst = max(apart, key=lambda part: abs(part.predicted - part.observed))
        yield (
            f"Probabilities are not calibrated everywhere: in the worst bin ({worst.n:,} rows) the mean predicted "
            f"probability is {formatting.figure(worst.predicted)} and the observed frequency "
            f"{formatting.figure(worst.observed)}."
        )


def _parts(facts: RunFacts) -> Iterator[str]:
    found = facts.evaluation
    for part in [part for part in (found.worst_slices.slices if found.worst_slices else ()) if part.low > 0][:MOST]:
        where = _where(part.columns, part.values)
        yield (
            f"More errors where {where}: {formatting.figure(part.mean)} against {formatting.figure(part.rest)} "
            "elsewhere "
            f"({part.rows:,} test rows)."
        )
    few = [_where(cut.columns, part.values) for cut in found.slices for part in cut.slices if part.metrics is None]
    few += [_where(entry.group, values) for entry in found.fairness for values in entry.too_few]
    few = list(dict.fromkeys(few))
    if few:
        more = f" and {len(few) - MOST} more" if len(few) > MOST else ""
        yield f"Too few test rows to decide: {'; '.join(few[:MOST])}{more}."


def _where(columns: tuple[str, ...], values: tuple[str, ...]) -> str:
    return " and ".join(f"{name} is {value}" for name, value in zip(columns, values, strict=True))


def _unseen(facts: RunFacts) -> Iterator[str]:
    found = facts.evaluation
    sensitive = [column.name for column in facts.data.columns if column.role == "sensitive"]
    compared = {name for entry in found.fairness for name in entry.group}
    compared |= {name for cut in found.slices for name in cut.columns}
    unlooked = [name for name in sensitive if name not in compared]
    if unlooked:
        yield f"Differences between groups were not measured for {', '.join(unlooked)}."
    if not sensitive and not found.slices and not found.fairness:
        yield "No slice of the test rows was evaluated separately, and no groups of people were compared."
    if facts.scores and facts.data.split.startswith(DRAWN):
        yield (
            "The test rows come from the same time and place as the training rows: performance on other times or "
            "places was "
            "not measured."
        )
    if sentences.one_seed(facts):
        yield f"{sentences.one_seed(facts)}."
    if facts.profile is not None or facts.overrides:
        laid = ", ".join([*([f"profile {facts.profile}"] if facts.profile else []), *facts.overrides])
        yield f"The spec was run with overrides: {laid}."
