"""Folds: each candidate's steps once more for every fold, and its score from all rows that were held out. It runs after
the training, whose steps it copies, and before the selection, which reads the scores. The test rows have no part in
it."""

from typing import Any

from msgspec.structs import replace

from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.split import extra_params
from mlspec.graph.step import Input, Step
from mlspec.spec import Project
from mlspec.spec.model import CrossValidation

PARTS = ("train", "validation")


def cross_validation(graph: Graph) -> Graph:
    """Adds ``fold.K`` and ``prepare``, ``train``, ``predict`` (and ``tune``, where it is nested) ``.CANDIDATE.foldK``;
    lets ``evaluate.CANDIDATE`` read the predictions of all folds.

    Where folds are repeated, these are averaged by ``predict.CANDIDATE.folds``. In a bag nothing is trained on the
    split: ``predict.CANDIDATE`` has the predictions of all folds, for whatever chooses or decides by them."""
    wanted = graph.project.model.cross_validation
    if wanted is None:
        return graph
    bag = graph.project.model.final == "bag"
    folds = {number: _fold(graph, wanted, number, bag) for number in range(1, count(wanted) + 1)}
    copied = ("prepare", "train", "predict", *(("tune",) if wanted.nested else ()))
    names = sorted(graph.project.model.candidates)
    later = ("train", "predict", "decide", "evaluate") if bag else ("evaluate",)
    steps: dict[str, Step] = {}
    for step in graph.steps.values():
        kind, _, name = step.id.partition(".")
        if step.kind == "tune" and step.params["pruner"] == "wilcoxon":
            for number, fold in folds.items():
                made = _copy(graph.steps[f"prepare.{name}"], {f"prepare.{name}"}, number, bag)
                steps |= {fold.id: fold, made.id: made}
            step = _by_folds(step, name, wanted.folds, bag)
        if kind not in later or name not in names:
            steps[step.id] = step
    steps |= {fold.id: fold for fold in folds.values()}
    for name in names:
        own = {f"{kind}.{name}" for kind in copied}
        evaluate = graph.steps[f"evaluate.{name}"]
        inputs = {read: source for read, source in evaluate.inputs.items() if read != "predictions"}
        for number in folds:
            copies = [_copy(step, own, number, bag) for step in graph.steps.values() if step.id in own]
            steps |= {copy.id: copy for copy in copies}
        held = {f"predictions.{number}": Input(f"predict.{name}.fold{number}", "predictions") for number in folds}
        if bag or wanted.repeats > 1:
            gather = _gathered(graph.steps[f"predict.{name}"], held, bag)
            steps[gather.id] = gather
            held = {"predictions": Input(gather.id, "predictions")}
        decide = graph.find(f"decide.{name}")
        if decide is not None:
            steps[decide.id] = decide
        steps[evaluate.id] = replace(evaluate, inputs={**inputs, **held})
    return graph.replace(_without_split(steps) if bag else steps)


def count(wanted: CrossValidation) -> int:
    """How many folds there are in all repetitions."""
    return wanted.folds * wanted.repeats


def bagged(project: Project) -> int:
    """How many models of each candidate are in a bag; 0 where there is none."""
    wanted = project.model.cross_validation
    return 0 if wanted is None or project.model.final != "bag" else count(wanted)


def _gathered(predict: Step, held: dict[str, Input], bag: bool) -> Step:
    """All predictions of held-out rows, one for each row."""
    rows = {read.replace("predictions", "rows"): Input(f"fold.{read.partition('.')[2]}", "rows") for read in held}
    return Step(
        id=predict.id if bag else f"{predict.id}.folds",
        kind="gather",
        inputs={**held, **rows},
        outputs=KINDS["gather"].outputs,
        path=predict.path,
    )


def _without_split(steps: dict[str, Step]) -> dict[str, Step]:
    """The steps less searches and preparations of the split's rows that nothing reads: nothing is trained on them."""
    for kind in ("tune", "prepare"):
        read = {source.step for step in steps.values() for source in step.inputs.values()}
        steps = {step_id: step for step_id, step in steps.items() if step.kind != kind or step_id in read}
    return steps


def _by_folds(search: Step, name: str, folds: int, bag: bool) -> Step:
    """A search whose trials are scored fold by fold, each on the rows that the fold holds out."""
    parts = ("state", "train", "validation", "heldout")
    inputs = {
        f"{part}.{number}": Input(f"prepare.{name}.fold{number}", "validation" if bag and part == "heldout" else part)
        for number in range(1, folds + 1)
        for part in parts
    }
    kept = {read: source for read, source in search.inputs.items() if read not in parts}
    return replace(search, params={**search.params, "folds": folds}, inputs={**kept, **inputs})


def how(project: Project) -> tuple[str, str | None]:
    """How rows become folds, and the column that says it."""
    wanted, split = project.model.cross_validation, project.data.split
    assert wanted is not None
    plain = "random" if project.project.task == "regression" else "stratified"
    # Folds need not stay as they are when rows are added: whole groups are enough.
    own = "group" if split.by == "hash" else split.by
    by: str = wanted.by or (plain if own in ("given", "random") else own)
    column = wanted.column or (split.column if own == by else None)
    return by, project.data.columns.target if by == "stratified" and column is None else column


def _fold(graph: Graph, wanted: CrossValidation, number: int, bag: bool) -> Step:
    by, column = how(graph.project)
    split = graph.project.data.split
    target = tables.target(graph)
    params: dict[str, Any] = {
        "fold": (number - 1) % wanted.folds + 1,
        "folds": wanted.folds,
        "by": by,
        "column": column,
        "seed": wanted.seed + (number - 1) // wanted.folds,
        # In a bag each training stops by the rows that the fold holds out.
        "validation": 0.0 if bag else split.validation,
        "target": [target.name, target.type],
        "task": graph.project.project.task,
        **(extra_params(split) if by == split.by else {}),
    }
    return Step(
        id=f"fold.{number}",
        kind="fold",
        params=params,
        inputs={part: Input("split", part) for part in PARTS},
        outputs=(*KINDS["fold"].outputs, *(("rows",) if bag or wanted.repeats > 1 else ())),
        path=("model", "cross_validation"),
    )


def _copy(step: Step, own: set[str], number: int, bag: bool) -> Step:
    """A candidate's step for a fold: it reads the fold where it read the split, and the fold's steps where its own.

    In a bag the rows that are held out take the place of the validation rows.
    """
    inputs = {}
    for name, read in step.inputs.items():
        if read.step == "split":
            read = Input(f"fold.{number}", "heldout" if bag and read.output == "validation" else read.output)
        elif read.step in own:
            predicted = not bag and step.kind == "predict" and read.output == "validation"
            output = "heldout" if predicted else read.output
            read = Input(f"{read.step}.fold{number}", output)
        inputs[name] = read
    outputs = step.outputs
    if step.kind == "prepare" and not bag:
        inputs["heldout"] = Input(f"fold.{number}", "heldout")
        outputs = (*outputs, "heldout")
    return replace(step, id=f"{step.id}.fold{number}", inputs=inputs, outputs=outputs)
