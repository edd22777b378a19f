"""What gates, scores and whole runs say, in words: the same on the terminal, in Markdown and on the page."""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.plugins.verdict import Verdict
from mlspec.report.facts.evaluation_facts import Estimate, Fairness
from mlspec.report.facts.run import CheckFact, Outcome, RunFacts, Score
from mlspec.steps.data.violations import flow

MOST_LEAKS = 2


def gate_value(gate: Verdict) -> str:
    """The value that a gate judged, with its interval."""
    text = formatting.quantity(gate.value, gate.unit, (gate.low, gate.high))
    between = formatting.interval(gate.low, gate.high, gate.unit)
    return f"{text} {between}" if between else text


def score_value(score: Score) -> str:
    """A metric's value with its interval."""
    text = formatting.figure(score.value, (score.low, score.high))
    between = formatting.interval(score.low, score.high)
    return f"{text} {between}" if between else text


def estimate(found: Estimate | Fairness) -> str:
    """A value with its interval."""
    value = formatting.figure(found.value, (found.low, found.high))
    return f"{value} {formatting.interval(found.low, found.high)}".rstrip()


def headline(facts: RunFacts) -> str:
    """The outcome in a sentence without full stop, and the leaks that make it doubtful."""
    if not facts.leaks:
        return _outcome(facts)
    more = f" and {len(facts.leaks) - MOST_LEAKS} more" if len(facts.leaks) > MOST_LEAKS else ""
    but = ", but: " if facts.outcome == "passed" else "; "
    return f"{_outcome(facts)}{but}{'; '.join(facts.leaks[:MOST_LEAKS])}{more}"


def standing(facts: RunFacts) -> Outcome:
    """The outcome as it is coloured: what holds in spite of a leak is doubtful."""
    return "unknown" if facts.outcome == "passed" and facts.leaks else facts.outcome


def finding(check: CheckFact) -> str:
    """A finding of a check, with what to do about it."""
    return f"{check.step}: {check.check}: {check.measured} (expected: {check.expected}); {check.advice}"


def _outcome(facts: RunFacts) -> str:
    if facts.outcome == "error":
        return f"{formatting.count(len(facts.failures), 'step')} failed"
    if facts.outcome == "interrupted":
        return "Interrupted: run again to continue from here"
    if not facts.gates:
        return "Done; the spec states no constraints"
    held_to = [gate for gate in facts.gates if not gate.waived]
    failing = sum(gate.verdict == "fail" for gate in held_to)
    unknown = sum(gate.verdict == "unknown" for gate in held_to)
    total = formatting.count(len(held_to), "constraint")
    waived = len(facts.gates) - len(held_to)
    more = f"; {waived} more {'is' if waived == 1 else 'are'} waived" if waived else ""
    if failing:
        message = f"{failing} of {total} {'does' if failing == 1 else 'do'} not hold"
        return message + (f", {unknown} cannot be decided" if unknown else "") + more
    if unknown:
        return f"{unknown} of {total} cannot be decided with this evidence{more}"
    return ("The one constraint holds" if len(held_to) == 1 else f"All {total} hold") + more


def final(facts: RunFacts) -> str:
    """What became of the selected model: a sentence without full stop, or nothing."""
    found = facts.final
    if found is None:
        return ""
    if found.reason:
        return f"Trained on the training rows alone, not fitted again: {found.reason}"
    if found.folds:
        models = f"The mean of the models of {found.folds} folds"
        return f"{models}, each trained on all rows but the test rows and those of its fold"
    each = [
        (one.candidate, "" if one.rounds is None else formatting.count(one.rounds, one.counted))
        for one in found.members
    ]
    rows = formatting.count(found.train_rows + found.validation_rows, "row")
    both = "training and validation rows" if found.validation_rows else "the training rows"
    rounds = [f"{name} {text}".rstrip() for name, text in each] if len(each) > 1 else [text for _name, text in each]
    fitted = ", ".join([f"Fitted again on {both}: {rows}", *filter(None, rounds)])
    return f"{fitted}; no time for {', '.join(found.no_time)}" if found.no_time else fitted


def unmeasured(facts: RunFacts) -> Iterator[str]:
    """Metrics without a value or an interval on the test rows, with the reason: sentences without full stop."""
    for score in facts.scores:
        if score.low is None and score.reason:
            yield f"{score.metric} has no interval: {score.reason}"
    for entry in facts.unmeasured:
        yield f"{entry.metric} could not be measured on the test rows" + (f": {entry.reason}" if entry.reason else "")


def left_out(facts: RunFacts, *, advice: bool = True) -> Iterator[str]:
    """Rows that the split leaves out though nothing in the spec drops them: sentences without full stop."""
    found = facts.data.left_out
    if found is not None and found.without_target:
        share = f"{found.without_target / found.rows:.1%}"
        text = f"{found.without_target:,} of {found.rows:,} rows ({share}) have no '{facts.target}' and are left out"
        bound = f"data.expect: [{{column: {flow(facts.target)}, missing: {{at_most: 0}}}}]"
        yield text if found.bounded or not advice else f"{text}; to end the run instead: {bound}"
    if found is not None and found.within_gap:
        rows = formatting.count(found.within_gap, "row")
        yield f"{rows} within the gap of the split {'is' if found.within_gap == 1 else 'are'} left out"


def holdout(facts: RunFacts) -> str:
    """How often the test rows have judged, a sentence without full stop; nothing where this is the first time."""
    found = facts.holdout
    if found is None or (found.uses == 1 and found.allowed is None):
        return ""
    message = f"The test rows have been used to evaluate {formatting.count(found.uses, 'model')}"
    message += f", {found.allowed} {'is' if found.allowed == 1 else 'are'} allowed" if found.allowed is not None else ""
    return message + (f"; this is number {found.place}" if found.uses > 1 else "")


def threshold(facts: RunFacts) -> str:
    """What the decisions are made by, where a threshold was chosen: a sentence without full stop; or nothing."""
    decisions = facts.evaluation.decisions
    if decisions is None or decisions.threshold is None:
        return ""
    positive = f" '{decisions.classes[1]}'" if len(decisions.classes) == 2 else ""
    return (
        f"Decisions: positive{positive} at a probability of at least {formatting.figure(decisions.threshold)}, chosen "
        "on the validation rows"
    )


def one_seed(facts: RunFacts) -> str:
    """That a network was trained with one seed alone: a sentence without full stop; or nothing."""
    chosen = next((candidate for candidate in facts.candidates if candidate.selected), None)
    if chosen is None or chosen.seeds or not chosen.curves or chosen.rounds != "epoch":
        return ""
    return f"{chosen.name} was trained with one seed; model.repeats: 5 shows how far its values depend on the seed"
