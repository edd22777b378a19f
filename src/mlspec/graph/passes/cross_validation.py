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
    lets ``evaluate.CANDIDATE`` read the predictions of all folds."""
    wanted = graph.project.model.cross_validation
    if wanted is None:
        return graph
    folds = {number: _fold(graph, wanted, number) for number in range(1, wanted.folds + 1)}
    copied = ("prepare", "train", "predict", *(("tune",) if wanted.nested else ()))
    names = sorted(graph.project.model.candidates)
    steps: dict[str, Step] = {}
    for step in graph.steps.values():
        kind, _, name = step.id.partition(".")
        if step.kind == "tune" and step.params["pruner"] == "wilcoxon":
            for number, fold in folds.items():
                made = _copy(graph.steps[f"prepare.{name}"], {f"prepare.{name}"}, number)
                steps |= {fold.id: fold, made.id: made}
            step = _by_folds(step, name, wanted.folds)
        if kind != "evaluate" or name not in names:
            steps[step.id] = step
    steps |= {fold.id: fold for fold in folds.values()}
    for name in names:
        own = {f"{kind}.{name}" for kind in copied}
        evaluate = graph.steps[f"evaluate.{name}"]
        inputs = {read: source for read, source in evaluate.inputs.items() if read != "predictions"}
        for number in folds:
            copies = [_copy(step, own, number) for step in graph.steps.values() if step.id in own]
            steps |= {copy.id: copy for copy in copies}
            inputs[f"predictions.{number}"] = Input(f"predict.{name}.fold{number}", "predictions")
        steps[evaluate.id] = replace(evaluate, inputs=inputs)
    return graph.replace(steps)


def _by_folds(search: Step, name: str, folds: int) -> Step:
    """A search whose trials are scored fold by fold, each on the rows that the fold holds out."""
    parts = ("state", "train", "validation", "heldout")
    inputs = {
        f"{part}.{number}": Input(f"prepare.{name}.fold{number}", part)
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


def _fold(graph: Graph, wanted: CrossValidation, number: int) -> Step:
    by, column = how(graph.project)
    split = graph.project.data.split
    target = tables.target(graph)
    params: dict[str, Any] = {
        "fold": number,
        "folds": wanted.folds,
        "by": by,
        "column": column,
        "seed": wanted.seed,
        "validation": split.validation,
        "target": [target.name, target.type],
        "task": graph.project.project.task,
        **(extra_params(split) if by == split.by else {}),
    }
    return Step(
        id=f"fold.{number}",
        kind="fold",
        params=params,
        inputs={part: Input("split", part) for part in PARTS},
        outputs=KINDS["fold"].outputs,
        path=("model", "cross_validation"),
    )


def _copy(step: Step, own: set[str], number: int) -> Step:
    """A candidate's step for a fold: it reads the fold where it read the split, and the fold's steps where its own."""
    inputs = {}
    for name, read in step.inputs.items():
        if read.step == "split":
            read = Input(f"fold.{number}", read.output)
        elif read.step in own:
            output = "heldout" if step.kind == "predict" and read.output == "validation" else read.output
            read = Input(f"{read.step}.fold{number}", output)
        inputs[name] = read
    outputs = step.outputs
    if step.kind == "prepare":
        inputs["heldout"] = Input(f"fold.{number}", "heldout")
        outputs = (*outputs, "heldout")
    return replace(step, id=f"{step.id}.fold{number}", inputs=inputs, outputs=outputs)
