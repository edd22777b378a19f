"""A run's selected model as a model card: Markdown with the front matter of the Hugging Face Hub.

The headings are those of Mitchell et al. 2019, "Model Cards for Model Reporting", as far as a run has something to say.
"""

from collections.abc import Iterator

from mlspec import formatting
from mlspec.report import sentences
from mlspec.report.card.card_metadata import front_matter
from mlspec.report.facts.limitations import limitations
from mlspec.report.facts.run import RunFacts
from mlspec.report.markdown import candidates, code, gates, groups, scores, table, text
from mlspec.report.page import personal as personal_section
from mlspec.report.page import tradeoff

USE = """\
With `pip install "mlspec-compiler[run]"`; `MODEL` is the folder of this card:

```sh
mlspec predict {option}MODEL rows.csv -o predictions.csv
```

```python
from mlspec import api

predictions = api.predict(api.load_model("MODEL"{argument}), "rows.csv")
```
"""
# A model of one's own brings code along: who loads it has to say that it is trusted.
OWN = "python"
TRUSTED = """
This model contains code (`model/code`), and loading the model runs it: read the code first.
"""


def card(facts: RunFacts) -> str:
    """The card. Text from the spec and the data is escaped for YAML and for Markdown."""
    return front_matter(facts) + "\n" + "\n".join(_lines(facts)) + "\n"


def _lines(facts: RunFacts) -> Iterator[str]:
    yield f"# {text(facts.project)}"
    yield ""
    yield f"{text(sentences.headline(facts))}. Run {text(facts.id)} of {formatting.moment(facts.started)}."
    parts = (
        ("The model", _model(facts)),
        ("Intended use", _intended(facts)),
        ("Limitations", (f"- {text(sentence)}" for sentence in limitations(facts))),
        ("Evaluation", _evaluation(facts)),
        ("Data", _data(facts)),
        ("How to use it", _use(facts)),
        ("Environment", (f"- {text(name)}: {text(value)}" for name, value in facts.environment.items())),
    )
    for title, lines in parts:
        body = list(lines)
        if body:
            yield ""
            yield f"## {title}"
            yield ""
            yield from body


def _model(facts: RunFacts) -> Iterator[str]:
    chosen = next((candidate for candidate in facts.candidates if candidate.selected), None)
    if chosen is not None:
        settings = ", ".join(f"{name}: {value}" for name, value in chosen.settings.items())
        yield f"- model: {code(chosen.model)}" + (f" ({text(settings)})" if settings else "")
        yield from (f"- {text(note)}" for note in chosen.notes)
    if sentences.final(facts):
        yield f"- {text(sentences.final(facts))}"
    yield f"- task: {text((facts.task or '').replace('_', ' '))}; predicts {code(facts.target)}"
    if facts.evaluation.calibration is not None:
        yield f"- probabilities are corrected by {text(facts.evaluation.calibration)} on the validation rows"
    if facts.size is not None:
        yield f"- size: {formatting.size(float(facts.size['bytes']))}"
    if facts.latency is not None and "p95" in facts.latency:
        batch = formatting.count(int(facts.latency.get("batch", 1)), "row")
        yield f"- 95% of predictions of {batch} took at most {formatting.seconds(facts.latency['p95'])}"
    if facts.license is not None:
        yield f"- licence: {text(facts.license)}"
    if facts.owners:
        yield f"- owners: {text(', '.join(facts.owners))}"


def _intended(facts: RunFacts) -> Iterator[str]:
    found = facts.evaluation.decisions
    if facts.goal:
        yield text(facts.goal)
        yield ""
    if facts.decision:
        yield f"- decision: {text(facts.decision)}"
    if sentences.threshold(facts):
        yield f"- {text(sentences.threshold(facts))}"
    for line in tradeoff.lines(facts):
        yield f"- {text(line)}"
    if found is not None and found.costs is not None:
        costs = (f"a {name.replace('_', ' ')} {cost:g}" for name, cost in found.costs.items())
        yield f"- costs of errors: {text(', '.join(costs))}"
    if found is not None and found.abstention.below is not None:
        yield f"- a prediction whose probability is below {found.abstention.below:g} goes to a person"
    if not facts.goal and not facts.decision:
        yield "The project does not say what the model is for."
    yield "- nothing else: only what the requirements below state was checked"


def _evaluation(facts: RunFacts) -> Iterator[str]:
    required = ["### Requirements", "", *gates(facts)] if facts.gates else []
    personal = list(personal_section.lines(facts))
    blocks = [required, list(scores(facts)), personal, list(groups(facts)), list(candidates(facts))]
    for index, block in enumerate([block for block in blocks if block]):
        if index:
            yield ""
        yield from block


def _data(facts: RunFacts) -> Iterator[str]:
    for source in facts.data.sources:
        digest = f", read as {code(source.digest[:12])}" if source.digest else ""
        yield f"- source {text(source.name)}: {code(source.path)} ({text(source.format)}){digest}"
    if facts.data.rows:
        yield "- rows: " + ", ".join(f"{text(name)} {rows:,}" for name, rows in facts.data.rows.items())
    yield from (f"- {text(line)}" for line in sentences.left_out(facts, advice=False))
    if facts.data.split:
        yield f"- split: {text(facts.data.split)}"
    kept = [column for column in facts.data.columns if column.role not in ("feature", "target")]
    if kept:
        yield "- columns that the model does not read: " + ", ".join(
            f"{code(column.name)} ({column.role})" for column in kept
        )
    if facts.data.expectations:
        yield ""
        rows = [
            (text(fact.text), "holds" if fact.holds else "**fails**", text(fact.measured))
            for fact in facts.data.expectations
        ]
        yield from table(("expectations of the data", "", "measured"), rows)


def _use(facts: RunFacts) -> Iterator[str]:
    own = any(
        candidate.model == OWN and (candidate.selected or facts.selected == "blend") for candidate in facts.candidates
    )
    message = USE.format(option="--trust-code " if own else "", argument=", trust_code=True" if own else "")
    yield from f"{message}{TRUSTED if own else ''}".rstrip("\n").splitlines()
    personal = facts.evaluation.personalization
    asked = {"" if personal is None else personal.key}
    if facts.tradeoff is not None and facts.tradeoff.thresholds is not None:
        asked.update(facts.tradeoff.group)
    read = [column for column in facts.data.columns if column.role == "feature" or column.name in asked]
    if read:
        yield ""
        yield "It reads these columns:"
        yield ""
        yield from table(("column", "type"), [(code(column.name).replace("|", "\\|"), column.type) for column in read])
