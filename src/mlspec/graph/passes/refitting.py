"""The selected model fitted again on training and validation rows. It runs after all that reads the package, which it
hands the one that was fitted again, except to what scores it on validation rows: those must not have been trained on.
Nothing reads a test row here."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.cross_validation import count
from mlspec.graph.passes.mitigation import device, prepared
from mlspec.graph.step import Input, Step
from mlspec.spec import Project

NAME = "refit"
# They score on validation rows, or compare with fits on the training rows alone.
BEFORE = frozenset({"tradeoff", "learn_part", "importance", "seeds"})


def refitting(graph: Graph) -> Graph:
    """Adds ``refit`` -> model, report. Whatever predicts test rows or measures the package reads this one."""
    project = graph.project
    if project.model.final != "refit" or kept(project):
        return graph
    selected, fitted = Input("select", "model"), Input(NAME, "model")
    step = Step(
        id=NAME,
        kind="refit",
        params={
            "candidates": prepared(graph, plain=False),
            "seed": project.model.seed,
            "task": project.project.task,
            **device(graph),
            **({} if project.model.time is None else {"time": project.model.time}),
        },
        inputs={
            "model": selected,
            **{part: Input("split", part) for part in ("train", "validation")},
            **_histories(project),
        },
        outputs=KINDS[NAME].outputs,
        path=("model", "final"),
    )
    steps: dict[str, Step] = {}
    for step_id, other in graph.steps.items():
        if selected in other.inputs.values() and other.kind not in BEFORE:
            inputs = {name: fitted if read == selected else read for name, read in other.inputs.items()}
            other = replace(other, inputs=inputs)
        steps[step_id] = _with_first_seed(graph, other) if other.kind == "seeds" else other
        if step_id == "select":
            steps[NAME] = step
    return graph.replace(steps)


def _histories(project: Project) -> dict[str, Input]:
    """Where the number of rounds is found: in the training on the split, or, where there are folds with its settings,
    in all of them."""
    marks = [f".fold{number}" for number in range(1, _folds(project) + 1)] or [""]
    names = sorted(project.model.candidates)
    return {f"history.{name}{mark}": Input(f"train.{name}{mark}", "history") for name in names for mark in marks}


def _folds(project: Project) -> int:
    wanted = project.model.cross_validation
    return 0 if wanted is None or wanted.nested else count(wanted)


def _with_first_seed(graph: Graph, seeds: Step) -> Step:
    """The spread over seeds, of models of the training rows alone: the first one is no longer in the package."""
    first = graph.project.model.seed
    trained = {
        f"{name}.seed{first}": Input(f"train.{name}", "model") for name in sorted(graph.project.model.candidates)
    }
    params = {**seeds.params, "seeds": [first, *seeds.params["seeds"]]}
    return replace(seeds, params=params, inputs={**seeds.inputs, **trained})


def kept(project: Project) -> str:
    """Why the selected model stays as it was trained, whatever a run finds; empty where it is fitted again."""
    model, split = project.model, project.data.split
    if model.personal is not None:
        return "the models of groups are compared with it on validation rows"
    if model.mitigation is not None and model.mitigation.method == "constrained":
        return "its bound was found on validation rows"
    if any(getattr(use.plugin, "private", None) is not None for use in model.candidates.values()):
        return "a second training would spend the privacy budget again"
    if split.validation == 0 and split.by != "given" and not _folds(project):
        return "there are no validation rows"
    return ""
