"""Each candidate's training once more with other seeds. It runs after the training, whose steps it copies, and
before the folds, which copy the first seed alone; nothing is chosen by the copies, they show how much is luck."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.step import Input, Step

COPIED = ("train", "predict", "evaluate")


def repeats(graph: Graph) -> Graph:
    """Adds ``train``, ``predict`` and ``evaluate`` ``.CANDIDATE.seedN`` for each further seed."""
    model = graph.project.model
    steps = dict(graph.steps)
    for name in sorted(model.candidates):
        own = {f"{kind}.{name}" for kind in COPIED}
        for number in range(1, model.repeats):
            seed = model.seed + number
            for kind in COPIED:
                copy = _copy(graph.steps[f"{kind}.{name}"], own, seed)
                steps[copy.id] = copy
    return graph.replace(steps) if model.repeats > 1 else graph


def _copy(step: Step, own: set[str], seed: int) -> Step:
    inputs = {
        name: Input(f"{read.step}.seed{seed}", read.output) if read.step in own else read
        for name, read in step.inputs.items()
    }
    params = {**step.params, "seed": seed} if step.kind == "train" else step.params
    return replace(step, id=f"{step.id}.seed{seed}", inputs=inputs, params=params)
