"""The page's section about what was decided between the spec and the model, and why."""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.facts.run import Candidate, RunFacts
from mlspec.report.page import tradeoff
from mlspec.report.page.markup import Html, element


def decided(facts: RunFacts) -> Html | None:
    """The model, its settings, the probabilities, the threshold, the rows: each with the reason."""
    pairs = list(_decisions(facts))
    if not pairs:
        return None
    entries = [[element("dt", name), element("dd", text)] for name, text in pairs]
    return element("div", element("dl", entries), class_="card pad")


def _decisions(facts: RunFacts) -> Iterator[tuple[str, str]]:
    chosen = next((candidate for candidate in facts.candidates if candidate.selected), None)
    if chosen is not None:
        yield "model", f"{chosen.name} ({chosen.model}): {_why(facts, chosen)}."
        settings = ", ".join(f"{name}: {value}" for name, value in chosen.settings.items())
        if chosen.search is not None:
            best = ", ".join(
                f"{name} {_shown(v)}" for name, v in chosen.search.trials[chosen.search.best].settings.items()
            )
            yield (
                "settings",
                f"{best}: best of {formatting.count(len(chosen.search.trials), 'trial')} on the validation rows.",
            )
        elif settings:
            yield "settings", f"{settings}: from the spec."
    if sentences.final(facts):
        yield "fit", f"{sentences.final(facts)}."
    found = facts.evaluation
    if found.calibration is not None:
        yield "probabilities", f"Recalibrated with {found.calibration} on the validation rows, as the spec says."
    if sentences.threshold(facts) and found.decisions is not None and found.decisions.costs is not None:
        costs = found.decisions.costs
        yield (
            "decisions",
            f"{sentences.threshold(facts).removeprefix('Decisions: ')}: the threshold of lowest cost, where a false "
            f"positive costs {costs['false_positive']:g} and a false negative {costs['false_negative']:g}.",
        )
    elif facts.tradeoff is not None and tradeoff.decided(facts.tradeoff):
        yield "decisions", f"{tradeoff.decided(facts.tradeoff)}."
    elif found.decisions is not None:
        yield "decisions", "The most probable class: the spec states no costs of errors."
    if found.decisions is not None and found.decisions.abstention.below is not None:
        yield (
            "to a person",
            f"Predictions with a probability below {found.decisions.abstention.below:g}, as the spec says.",
        )
    if facts.data.split:
        rows = ", ".join(f"{name} {count:,}" for name, count in facts.data.rows.items())
        yield "rows", f"Split {facts.data.split}" + (f": {rows}." if rows else ".")
    unread = [column.name for column in facts.data.columns if column.role in ("sensitive", "id", "dropped", "unused")]
    if unread:
        yield "hidden from the model", f"{', '.join(unread)}, as the spec says."


def _why(facts: RunFacts, chosen: Candidate) -> str:
    if facts.evaluation.selection_reason:
        return facts.evaluation.selection_reason
    if len(facts.candidates) == 1:
        return "the only candidate"
    score = next((score for score in chosen.scores if score.metric == facts.selected_by), None)
    measured = f", {sentences.score_value(score)}" if score is not None else ""
    return f"best of {len(facts.candidates)} candidates by {facts.selected_by} on the {facts.selected_on}{measured}"


def _shown(value: object) -> str:
    return formatting.figure(value) if isinstance(value, float) else str(value)
