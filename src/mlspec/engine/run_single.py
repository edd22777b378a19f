"""Does one step of a graph on inputs that are beside the spec: what a stage of DVC, or of any other scheduler, runs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlspec import paths
from mlspec.diagnostics import StepError
from mlspec.engine import threads
from mlspec.engine.backend import Damaged, Failed, Setting
from mlspec.engine.run import dvc_results
from mlspec.engine.run_step import Advance, run_step
from mlspec.engine.schedule import task_of
from mlspec.graph import fingerprint as fp
from mlspec.graph.computing import share
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS, Kind, reads_records
from mlspec.graph.show import dvc
from mlspec.graph.step import Step
from mlspec.machine import processors, resources
from mlspec.machine.environment import device_kind
from mlspec.store.action import Action
from mlspec.store.store import Store


def do(
    graph: Graph,
    step: Step,
    *,
    progress: Advance = lambda _what, _share, _figures: None,
    kinds: Mapping[str, Kind] = KINDS,
) -> tuple[Action, bool]:
    """Do a step, or find its result, and lay it out beside the spec; what it gave, and whether it was done now.

    What the work prints goes to this process's own streams, and numeric libraries are set to one thread, except those
    that are loaded already. Raises StepError when the step fails.
    """
    root = Path(graph.facts.root).absolute()
    home = paths.home(root)
    settings = graph.project.backend
    # Its params say which kind of device it computes on, the backend's settings which one of them.
    wanted = str(step.params.get("device", "cpu"))
    device = settings.device if settings.device != "auto" else device_kind("auto")
    paths.prepare(home)
    setting = Setting(
        root=root,
        home=home,
        logs=home / "logs",
        steps=settings.workers,
        memory=settings.memory,
    )
    with Store(paths.store(home)).writing() as store:
        task = task_of(
            step,
            kinds[step.kind],
            identity=fp.identity(step),
            digests=_inputs(graph, root, step, store),
            records=_records(graph, root, step) if reads_records(step) else {},
            device=device if device.partition(":")[0] == wanted else wanted,
            processes=share(step, settings),
            seconds=step.params.get("time") if step.kind == "train" else None,
        )
        os.environ.update(resources.threads(threads.wanted(task, store, setting)))
        if settings.reproducible == "portable":
            os.environ.update(processors.portable())
        ending = run_step(task, store, setting, setting.logs / f"{dvc.stage_name(step.id)}.log", progress)
        if isinstance(ending, Failed):
            raise StepError(ending.cause)
        if isinstance(ending, Damaged):
            raise StepError(f"its input {ending.digest[:12]} is damaged")
        dvc_results.lay_out(root, step, ending.action, store)
        return ending.action, ending.made


def _inputs(graph: Graph, root: Path, step: Step, store: Store) -> dict[str, str]:
    """The digests of the inputs as they are on disk, whatever created them; the store has them afterwards."""
    digests = {}
    for name, read in step.inputs.items():
        giver = graph.steps[read.step]
        path = root / dvc.place(giver, read.output)
        text = dvc_results.made(root, giver.id)
        empty = () if text is None else text.empty.get(read.output, ())
        try:
            digests[name] = dvc_results.take_in(store, path, empty)
        except FileNotFoundError:
            raise StepError(f"its input '{path.relative_to(root)}' is missing: dvc pull, or dvc repro") from None
    return digests


def _records(graph: Graph, root: Path, step: Step) -> dict[str, dict[str, Any]]:
    """The total time of the steps that lead to this one, as far as it is known."""
    found = {}
    for before in sorted(graph.ancestors(step.id)):
        message = dvc_results.made(root, before)
        if message is not None:
            found[before] = message.action.record
    return found
