"""The model card: front matter that the Hugging Face Hub can read, limitations that follow from the run."""

import re

import msgspec
import yaml

from mlspec.plugins.verdict import Verdict
from mlspec.report.card.card import card
from mlspec.report.facts.evaluation_facts import EvaluationFacts, Slice, Slicing, WorseSlice, WorstSlices
from mlspec.report.facts.limitations import limitations
from mlspec.report.facts.run import Candidate, ColumnFact, DataFacts, ExpectationFact, RunFacts, Score, SourceFact

# How huggingface_hub finds the front matter.
FRONT = re.compile(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))")
HOSTILE = "x\n---\nlicense: mit\n# <script>alert(1)</script> \" ' | `y` [a](b) @team \x1b[31m \u202e"


def facts(name: str = "adult", **changes: object) -> RunFacts:
    score = Score(metric="roc_auc", value=0.926341, low=0.9221, high=0.9303, level=0.95, n=100, baselines={name: 0.5})
    made = RunFacts(
        id="1",
        project=name,
        goal=name,
        owners=(name,),
        decision=name,
        task="binary_classification",
        target=name,
        spec="project.yaml",
        started="2026-01-01T00:00:00Z",
        seconds=12.0,
        outcome="passed",
        gates=(Verdict(gate="gate.a", requirement=name, verdict="pass", value=0.9),),
        scores=(score,),
        selected=name,
        selected_by="roc_auc",
        candidates=(Candidate(name=name, model=name, settings={name: name}, selected=True, scores=(score,)),),
        data=DataFacts(
            sources=(SourceFact(name=name, path=name, format="csv", digest="1" * 64),),
            columns=(ColumnFact(name, "number", "feature"), ColumnFact("sex", "category", "sensitive")),
            expectations=(ExpectationFact(name, True, name),),
            rows={"train": 300, "test": 100},
            split="at random",
        ),
        evaluation=EvaluationFacts(slices=(Slicing((name,), (Slice((name,), 3, None),)),)),
        environment={name: name},
    )
    return msgspec.structs.replace(made, **changes)


def front(text: str) -> dict[str, object]:
    found = FRONT.match(text)
    assert found is not None
    read = yaml.safe_load(found[2])
    assert isinstance(read, dict)
    return read


def test_the_front_matter_has_the_figures_and_the_data() -> None:
    assert front(card(facts())) == {
        "library_name": "mlspec",
        "pipeline_tag": "tabular-classification",
        "tags": ["mlspec", "tabular", "binary-classification", "adult"],
        "metrics": ["roc_auc"],
        "model-index": [
            {
                "name": "adult",
                "results": [
                    {
                        "task": {"type": "tabular-classification", "name": "binary classification"},
                        "dataset": {"type": "adult", "name": "adult", "split": "test", "revision": "1" * 64},
                        "metrics": [
                            {"type": "roc_auc", "name": "roc_auc, 95% interval [0.9221, 0.9303]", "value": 0.926341}
                        ],
                    }
                ],
            }
        ],
    }


def test_a_licence_is_named_only_where_the_project_states_one() -> None:
    assert "license" not in front(card(facts()))
    assert front(card(facts(license="Apache-2.0")))["license"] == "apache-2.0"


def test_hostile_names_break_neither_the_front_matter_nor_the_text() -> None:
    made = card(facts(HOSTILE))
    read = front(made)
    assert set(read) == set(front(card(facts())))
    (index,) = read["model-index"]  # type: ignore[misc]
    assert index["name"].startswith("x --- license: mit # <script>")
    assert "\x1b" not in made
    assert "\u202e" not in made
    prose = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", made[FRONT.match(made).end() :])  # type: ignore[union-attr]
    assert "<script>" not in prose.replace("\\<script\\>", "")
    assert "@team" not in prose
    assert "\n---" not in prose
    assert levels(made) == levels(card(facts()))


def levels(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line.startswith("#")]


def test_words_that_yaml_1_1_and_1_2_read_differently_stay_text() -> None:
    for name in ("no", "1e-3", "0755", "12:30", "null", "~"):
        assert front(card(facts(name)))["model-index"][0]["name"] == name  # type: ignore[index]


def test_limitations_follow_from_what_fails_is_open_or_was_not_looked_at() -> None:
    worse = WorseSlice(
        columns=("age",), values=("17-28",), rows=50, mean=0.4, rest=0.1, difference=0.3, low=0.1, high=0.5
    )
    told = limitations(
        facts(
            gates=(
                Verdict(
                    gate="a", requirement="roc_auc at least 0.95", verdict="fail", value=0.926, low=0.92, high=0.93
                ),
                Verdict(
                    gate="b", requirement="recall at least 0.9", verdict="unknown", value=0.9, reason="too few rows"
                ),
                Verdict(gate="c", requirement="size at most 1MB", verdict="pass", value=5.0),
            ),
            evaluation=EvaluationFacts(
                slices=(Slicing(("town",), (Slice(("isle",), 3, None),)),),
                worst_slices=WorstSlices(error="squared error", looked_at=9, level=0.95, slices=(worse,)),
            ),
            overrides=("data.sample=50",),
        )
    )
    assert told == [
        "Failed: roc_auc at least 0.95; measured 0.926 [0.920, 0.930].",
        "Cannot be decided with this evidence: recall at least 0.9; measured 0.9 (too few rows).",
        "More errors where age is 17-28: 0.4 against 0.1 elsewhere (50 test rows).",
        "Too few test rows to decide: town is isle.",
        "Differences between groups were not measured for sex.",
        "The test rows come from the same time and place as the training rows: performance on other times or places "
        "was not "
        "measured.",
        "The spec was run with overrides: data.sample=50.",
    ]
