"""A run as a model card: Markdown with the front matter that Hugging Face reads (model-index and tags).

Form: https://huggingface.co/docs/hub/model-cards. What the card says is what was measured; what nobody stated (a
licence, a citation) is left out.
"""

from collections.abc import Iterator
from typing import Any

from mlspec.report import words
from mlspec.report.facts import Gate, RunFacts
from mlspec.report.markdown import table, text

TASKS = {
    "binary_classification": "tabular-classification",
    "multiclass_classification": "tabular-classification",
    "regression": "tabular-regression",
}


def card(facts: RunFacts) -> str:
    """The card's text."""
    return "\n".join([*_front(facts), *_body(facts)]) + "\n"


def _front(facts: RunFacts) -> Iterator[str]:
    import yaml

    task = TASKS.get(facts.task or "", "other")
    dataset = {"type": "tabular", "name": ", ".join(source.name for source in facts.data.sources), "split": "test"}
    measured = [
        {"type": score.metric, "name": score.metric, "value": score.value, "args": _interval(score.low, score.high)}
        for score in facts.scores
    ]
    about: dict[str, Any] = {
        "library_name": "mlspec",
        "pipeline_tag": task,
        "tags": sorted({"mlspec", "tabular", *({_model(facts)} if _model(facts) else set())}),
        "metrics": [score.metric for score in facts.scores],
        "model-index": [
            {
                "name": facts.project,
                "results": [
                    {
                        "task": {"type": task},
                        "dataset": dataset,
                        "metrics": [{k: v for k, v in one.items() if v is not None} for one in measured],
                    }
                ],
            }
        ],
    }
    yield "---"
    yield yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=1000).rstrip()
    yield "---"


def _interval(low: float | None, high: float | None) -> dict[str, float] | None:
    return None if low is None or high is None else {"low": low, "high": high}


def _model(facts: RunFacts) -> str:
    return next((one.model for one in facts.candidates if one.selected), "")


def _body(facts: RunFacts) -> Iterator[str]:
    yield ""
    yield f"# {text(facts.project)}"
    if facts.goal:
        yield ""
        yield text(facts.goal)
    yield ""
    chosen = next((one for one in facts.candidates if one.selected), None)
    kind = f"`{chosen.model}`" if chosen is not None else "no model"
    yield f"Predicts `{text(facts.target)}` ({text((facts.task or '').replace('_', ' '))}) with {kind}"
    yield f"({words.headline(facts)})."
    yield from _section("Use", _use(facts))
    yield from _section("Data", _data(facts))
    yield from _section("Evaluation", _evaluation(facts))
    yield from _section("Limits", _limits(facts))
    yield from _section("How it was made", _made(facts))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from ("", f"## {title}", "", *found)


def _use(facts: RunFacts) -> Iterator[str]:
    if facts.decision:
        yield f"- A prediction: {text(facts.decision)}"
    if facts.owners:
        yield f"- Answers for it: {text(', '.join(facts.owners))}"
    if words.threshold(facts):
        yield f"- {text(words.threshold(facts))}"
    yield "- `mlspec predict MODEL DATA` (this folder, and a file with the columns below) gives predictions."


def _data(facts: RunFacts) -> Iterator[str]:
    rows = ", ".join(f"{name} {count:,}" for name, count in facts.data.rows.items())
    if rows:
        yield f"Rows: {rows}. Sources: {text(', '.join(source.path for source in facts.data.sources))}."
        yield ""
    features = [f"`{text(column.name)}` ({column.type})" for column in facts.data.columns if column.role == "feature"]
    if features:
        yield f"Reads {len(features)} columns: {', '.join(features)}."
    apart = [f"`{text(column.name)}`" for column in facts.data.columns if column.role == "sensitive"]
    if apart:
        yield ""
        yield f"Sensitive, and not read by the model: {', '.join(apart)}."


def _evaluation(facts: RunFacts) -> Iterator[str]:
    if facts.scores:
        yield "On test rows that neither fitting nor choosing has seen; intervals are 95 % unless said otherwise."
        yield ""
        baselines = list(dict.fromkeys(name for score in facts.scores for name in score.baselines))
        yield from table(
            ("metric", "value", "rows", *(text(name) for name in baselines)),
            [
                (
                    text(score.metric),
                    words.score_value(score),
                    f"{score.n:,}" if score.n is not None else "",
                    *(words.figure(score.baselines.get(name)) for name in baselines),
                )
                for score in facts.scores
            ],
        )
    if facts.evaluation.fairness:
        yield ""
        yield from table(
            ("between groups", "by", "value"),
            [
                (text(one.metric), text(" and ".join(one.group)), words.estimate(one))
                for one in facts.evaluation.fairness
            ],
        )


def _limits(facts: RunFacts) -> Iterator[str]:
    """What does not hold, what could not be decided, what is waived, what was noticed."""
    for gate in facts.gates:
        if gate.verdict != "pass":
            yield f"- {_told(gate)}"
    for entry in facts.requirements:
        if entry.waived and entry.binding != "gate":
            yield f"- Not held to: {text(entry.text)} ({text(entry.waived)})"
    for check in facts.checks:
        if check.fails:
            yield f"- {text(check.check)}: {text(check.measured)} (expected: {text(check.expected)})"
    found = facts.evaluation.worst_slices
    if found is not None:
        for part in found.slices[:3]:
            named = ", ".join(f"{column} {value}" for column, value in zip(part.columns, part.values, strict=True))
            yield f"- It errs more where {text(named)} ({part.rows:,} rows)"
    if words.holdout(facts):
        yield f"- {text(words.holdout(facts))}"


def _told(gate: Gate) -> str:
    verdict = "does not hold" if gate.verdict == "fail" else "could not be decided"
    waived = f" (waived: {text(gate.waived)})" if gate.waived else ""
    reason = f": {text(gate.reason)}" if gate.reason else ""
    return f"{text(gate.requirement)} {verdict}{reason}{waived}"


def _made(facts: RunFacts) -> Iterator[str]:
    chosen = next((one for one in facts.candidates if one.selected), None)
    if chosen is not None and chosen.settings:
        settings = ", ".join(f"{name} {value}" for name, value in chosen.settings.items())
        yield f"- Settings: {text(settings)}"
    others = [text(one.model) for one in facts.candidates if not one.selected]
    if others:
        how = f"{text(facts.selected_by or '')} on the {text(facts.selected_on)}"
        yield f"- Selected by {how}, before {', '.join(others)}"
    versions = ", ".join(f"{name} {version}" for name, version in facts.environment.items() if name != "processor")
    yield f"- Run {text(facts.id)} of {words.moment(facts.started)}; {text(versions)}"
