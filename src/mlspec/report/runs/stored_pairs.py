"""Two locks -> whether their metrics differ by more than noise, by the predictions that the store still has."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from mlspec.engine.run.lockfile import Lock
from mlspec.report.facts.run import RunFacts

Told = Literal["better", "worse", "the same", "not told apart", "not comparable", "unknown"]


def pairing(root: Path) -> Callable[[Lock, Lock], Mapping[str, Told] | str]:
    """What compares two locks by the runs in a spec's folder that gave them."""

    def paired(base: Lock, head: Lock) -> Mapping[str, Told] | str:
        from mlspec.report.runs.paired import paired as compared

        runs = [_run(root, lock) for lock in (base, head)]
        if runs[0] is None or runs[1] is None:
            return "no run here gave the lock"
        found = compared(root, runs[0], runs[1])
        if isinstance(found, str):
            return found
        return {metric: apart.verdict for metric, apart in found.items() if apart.verdict != "unknown"}

    return paired


def _run(root: Path, lock: Lock) -> RunFacts | None:
    """The latest run whose predictions of the test rows are those of the lock."""
    from mlspec.report.runs import stored

    step = lock.steps.get("predict")
    wanted = None if step is None else step.outputs.get("predictions")
    if wanted is None:
        return None
    return next(
        (
            run
            for run in stored.every(root)
            if stored.is_ours(root, run.id)
            and any(one.id == "predict" and one.outputs.get("predictions") == wanted for one in run.steps)
        ),
        None,
    )
