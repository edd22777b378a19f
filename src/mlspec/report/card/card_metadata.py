"""The front matter of a model card: YAML as the Hugging Face Hub reads it, from a run's facts."""

from typing import Any

import yaml

from mlspec import formatting
from mlspec.report.facts.run import RunFacts, Score
from mlspec.report.page.markup import visible

KINDS = {
    "binary_classification": "tabular-classification",
    "multiclass_classification": "tabular-classification",
    "regression": "tabular-regression",
}


class _Quoted(str):
    """Text that is written in double quotes: every reader of YAML, of whatever version, takes it for text."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe writer, which knows quoted text."""


def _represent(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(_Quoted, _represent)


def front_matter(facts: RunFacts) -> str:
    """The YAML between two lines of ``---``.

    ``model-index`` has each metric on the test rows with its interval in words. No licence is named unless the project
    states one.
    """
    kind = KINDS.get(facts.task or "")
    model = next((candidate.model for candidate in facts.candidates if candidate.selected), None)
    tags = ["mlspec", "tabular", (facts.task or "").replace("_", "-"), model or ""]
    said: dict[str, Any] = {}
    if facts.license is not None:
        said["license"] = facts.license.lower()
    said["library_name"] = "mlspec"
    if kind is not None:
        said["pipeline_tag"] = kind
    said["tags"] = [tag for tag in tags if tag]
    if facts.scores:
        said["metrics"] = [score.metric for score in facts.scores]
        said["model-index"] = [{"name": facts.project, "results": [_result(facts, kind or "tabular")]}]
    text = yaml.dump(
        _quoted(said), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"), default_flow_style=False
    )
    return f"---\n{text}---\n"


def _result(facts: RunFacts, kind: str) -> dict[str, Any]:
    names = ", ".join(source.name for source in facts.data.sources) or facts.project
    dataset: dict[str, Any] = {"type": facts.project, "name": names, "split": "test"}
    if len(facts.data.sources) == 1 and facts.data.sources[0].digest is not None:
        dataset["revision"] = facts.data.sources[0].digest
    return {
        "task": {"type": kind, "name": (facts.task or "").replace("_", " ")},
        "dataset": dataset,
        "metrics": [
            {"type": score.metric, "name": _named(score), "value": round(score.value, 6)} for score in facts.scores
        ],
    }


def _named(score: Score) -> str:
    between = formatting.interval(score.low, score.high)
    return f"{score.metric}, {score.level:.0%} interval {between}" if between and score.level else score.metric


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_quoted(entry) for entry in value]
    return _Quoted(" ".join(visible(value).split())) if isinstance(value, str) else value
