"""The final evaluation: the selected model and the baselines on the test rows. It runs after the selection, and
nothing that fits or chooses runs after it."""

from typing import Any

from mlspec.baselines.human import Human
from mlspec.baselines.previous import Previous
from mlspec.graph import scores, tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.measurements import asked_of
from mlspec.graph.step import Input, Step
from mlspec.plugins.baseline import Baseline
from mlspec.plugins.constraint import METRICS


def evaluation(graph: Graph) -> Graph:
    """Adds ``predict`` -> predictions; ``baseline.NAME`` -> predictions (or figures); ``evaluate`` -> metrics; and,
    where candidates are trained with several seeds, ``seeds`` -> seeds.

    ``evaluate`` is handed the package where that says how to decide, and the raw rows where slices or groups of them
    are asked for.
    """
    project = graph.project
    target = tables.target(graph)
    test = Input("split", "test")
    inputs = {"predictions": Input("predict", "predictions")}
    steps = [
        Step(
            id="predict",
            kind="predict_test",
            inputs={"model": Input("select", "model"), "test": test},
            outputs=KINDS["predict_test"].outputs,
            path=("evaluation",),
        )
    ]
    for use in sorted(project.evaluation.baselines or (), key=lambda use: use.name):
        name, baseline = use.name, use.plugin
        assert isinstance(baseline, Baseline)
        step_id = f"baseline.{name}"
        if baseline.predicts:
            inputs[step_id] = Input(step_id, "predictions")
            settings = uses.json_data(baseline)
            steps.append(
                Step(
                    id=step_id,
                    kind="baseline",
                    params={
                        "baseline": [name, settings] if settings else name,
                        "target": [target.name, target.type],
                        "task": project.project.task,
                        "positive": project.data.columns.positive,
                    },
                    inputs={"train": Input("split", "train"), "test": test},
                    outputs=KINDS["baseline"].outputs,
                    path=("evaluation", "baselines"),
                )
            )
        elif isinstance(baseline, Previous):
            inputs["previous"] = Input(step_id, "figures")
            steps.append(
                Step(
                    id=step_id,
                    kind="previous",
                    params={"lock": baseline.lock, "rows": tables.measured(graph)},
                    inputs={"test": test},
                    outputs=KINDS["previous"].outputs,
                    path=("evaluation", "baselines"),
                )
            )
    if scores.deciding(project) or project.project.users.abstain_below is not None:
        inputs["model"] = Input("select", "model")
    asked = _asked(graph)
    if not asked.keys().isdisjoint(("slices", "worst_slice")):
        inputs["test"] = test
    _, for_gates = asked_of(project).get("evaluate", ((), METRICS))
    inputs |= {name: Input(*read) for name, read in for_gates.inputs.items()}
    steps.append(
        Step(
            id="evaluate",
            kind="evaluate_test",
            params={**scores.scoring(project), **asked, **for_gates.params},
            inputs=inputs,
            outputs=KINDS["evaluate_test"].outputs,
            path=("evaluation",),
        )
    )
    further = [project.model.seed + number for number in range(1, project.model.repeats)]
    # Who has a model of their own has it of the first seed.
    if further and project.model.personal is None:
        trained = [f"{name}.seed{seed}" for name in sorted(project.model.candidates) for seed in further]
        steps.append(
            Step(
                id="seeds",
                kind="seeds",
                params={"metrics": scores.scoring(project)["metrics"], "seeds": further},
                inputs={
                    "model": Input("select", "model"),
                    "test": test,
                    **{name: Input(f"train.{name}", "model") for name in trained},
                },
                outputs=KINDS["seeds"].outputs,
                path=("model", "repeats"),
            )
        )
    return graph.add(steps)


def _asked(graph: Graph) -> dict[str, Any]:
    """What the spec measures of the predictions in addition to the metrics; only that is in the params."""
    project = graph.project
    found: dict[str, Any] = {}
    stated = project.evaluation
    if stated.slices or stated.worst_slice:
        found["slice_rows"] = stated.slice_rows
    if stated.slices:
        found["slices"] = [list(columns) for columns in dict.fromkeys(stated.slices)]
    if stated.worst_slice:
        found["worst_slice"] = [
            column.name for column in tables.table(graph) if column.role in ("feature", "sensitive")
        ]
    for use in project.evaluation.baselines or ():
        if isinstance(use.plugin, Human):
            found["human"] = uses.json_data(use.plugin)
    mistakes = project.project.users.mistakes
    if mistakes is not None:
        found["costs"] = {"false_positive": mistakes.false_positive, "false_negative": mistakes.false_negative}
    return found
