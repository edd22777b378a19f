"""The choice of one candidate. It runs after the scores of all of them and before everything that reads the test
rows: no step that chooses sees those."""

from typing import Any

from mlspec.graph import scores, tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.cross_validation import bagged
from mlspec.graph.step import Input, Step
from mlspec.plugins.base import PluginRef
from mlspec.plugins.model import Model
from mlspec.spec import combining

BLEND = 4  # more complex than any of its members


def selection(graph: Graph) -> Graph:
    """Adds ``select`` -> selection, model (the package: the model with its preparation), and ``compare`` ->
    differences, where the rule asks for them."""
    project = graph.project
    target = tables.target(graph)
    features = tuple(column for column in tables.table(graph) if column.role == "feature")
    inputs: dict[str, Input] = {}
    stated: dict[str, Any] = {}
    steps: list[Step] = []
    names = sorted(project.model.candidates)
    decides = bool(scores.deciding(project))
    blended = "blend" in graph.steps
    derived = tables.derived(graph)
    if derived:
        stated["derived"] = derived
    if project.project.users.abstain_below is not None:
        stated["abstain_below"] = project.project.users.abstain_below
    sensitive = {*project.data.columns.sensitive, *project.data.columns.use_sensitive}
    read = {*(column.name for column in features), *(name for name, _kind in derived.get("columns", ()))}
    if sensitive & read:
        stated["hidden"] = sorted(sensitive & read)
    reading = _reading(graph)
    if reading:
        stated["reading"] = reading
    mitigation = project.model.mitigation
    by_group: list[str] = []
    if mitigation is not None and mitigation.method == "thresholds":
        by_group = list(mitigation.group)
        stated["group"] = [[c.name, c.type] for name in by_group for c in tables.table(graph) if c.name == name]
    folds = bagged(project)
    if folds:
        stated["folds"] = folds
    if project.model.select.rule == "one_standard_error":
        stated["complexity"] = {name: _complexity(project.model.candidates[name]) for name in names}
        inputs["differences"] = Input("compare", "differences")
        if blended:
            stated["complexity"]["blend"] = BLEND
        steps.append(_compare(graph, names, decides, blended))
    if blended:
        inputs["blend"] = Input("blend", "weights")
        inputs["metrics.blend"] = Input("evaluate.blend", "metrics")
        if decides:
            inputs["decision.blend"] = Input("decide.blend", "decision")
    for name in names:
        if decides:
            inputs[f"decision.{name}"] = Input(f"decide.{name}", "decision")
        inputs[f"metrics.{name}"] = Input(f"evaluate.{name}", "metrics")
        for mark in [f".fold{number}" for number in range(1, folds + 1)] or [""]:
            train = graph.steps[f"train.{name}{mark}"]
            inputs[f"model.{name}{mark}"] = Input(train.id, "model")
            inputs[f"state.{name}{mark}"] = train.inputs["state"]
            if "tuned" in train.inputs:
                inputs[f"tuned.{name}{mark}"] = train.inputs["tuned"]
    step = Step(
        id="select",
        kind="select",
        params={
            "metric": uses.pair(scores.selecting(project)),
            "candidates": {name: uses.pair(project.model.candidates[name]) for name in names},
            "columns": tables.pairs(features),
            "target": [target.name, target.type],
            "task": project.project.task,
            "positive": project.data.columns.positive,
            **_treated(graph, [*(column.name for column in features), *by_group], derived),
            **stated,
        },
        inputs=inputs,
        outputs=KINDS["select"].outputs,
        path=("model", "select"),
    )
    return graph.add([*steps, step])


def _reading(graph: Graph) -> dict[str, Any]:
    """What the spec states, and what was found out, about the cells of text whose rows are stacked: words for missing
    values in CSV files, and formats of dates."""
    data, missing, dates = graph.project.data, list[str](), dict[str, str]()
    for name in sorted(combining.stacked(data)):
        _kind, settings = graph.facts.reads_of(name, data.sources[name])
        missing += settings.get("missing", ()) if data.sources[name].name == "csv" else ()
        dates |= settings.get("dates", {})
    found = {"missing": list(dict.fromkeys(missing)), "dates": dates}
    return {key: value for key, value in found.items() if value}


def _compare(graph: Graph, names: list[str], decides: bool, blended: bool) -> Step:
    project = graph.project
    # All that a candidate is scored by: the rows of every fold, where there are folds.
    inputs = {
        f"predictions.{name}" + read.removeprefix("predictions"): source
        for name in names
        for read, source in graph.steps[f"evaluate.{name}"].inputs.items()
        if read.partition(".")[0] == "predictions"
    }
    if decides:
        inputs |= {f"decision.{name}": Input(f"decide.{name}", "decision") for name in names}
    if blended:
        inputs["predictions.blend"] = Input("blend", "predictions")
        if decides:
            inputs["decision.blend"] = Input("decide.blend", "decision")
    return Step(
        id="compare",
        kind="compare",
        params={
            "metric": uses.pair(scores.selecting(project)),
            "confidence": scores.scoring(project)["confidence"],
        },
        inputs=inputs,
        outputs=KINDS["compare"].outputs,
        path=("model", "select"),
    )


def _treated(graph: Graph, features: list[str], derived: dict[str, Any]) -> dict[str, Any]:
    """How the package is to treat the personal columns of new rows; nothing where it reads none."""
    read = [*features, *(name for name, _kind in derived.get("columns", ()))]
    treatments = tables.treated(graph, dict.fromkeys(read))
    sources = [step for step in graph.steps.values() if step.kind == "source"]
    keys = {name: mark for step in sources for name, mark in step.params.get("keys", {}).items()}
    used = {settings.get("key") for _, _, (_, settings) in treatments}
    keys = {name: mark for name, mark in keys.items() if name in used}
    return {**({"treatments": treatments} if treatments else {}), **({"keys": keys} if keys else {})}


def _complexity(use: PluginRef) -> int:
    return use.plugin.complexity if isinstance(use.plugin, Model) else Model.complexity
