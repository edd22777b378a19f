"""Searches for good settings of a candidate."""

from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.training.tuning import samplers, search, space
from mlspec.steps.training.tuning.journal import Journal
from mlspec.steps.training.tuning.trials import doing, doing_elsewhere, work_of


def run(job: Job) -> None:
    """``train``, ``validation``, ``state`` (or ``train.N``, ... and ``heldout.N`` of each fold) -> ``best`` (settings),
    ``trials`` (all of them, and what matters).

    The journal and the checkpoints of paused trials are in the job's scratch folder. Trials are done by other machines
    where there are any. Raises StepError when no trial came to its end.
    """
    params = job.params
    metric = cast(Metric, msgspec.convert(params["metric"][1], registry.plugin("metrics", params["metric"][0])))
    searched = space.parse(params["space"])
    plan = search.Plan(
        space=searched,
        written={name: space.get(params["model"][1], name) for name in searched},
        trials=params["trials"],
        time=params["time"],
        sampler=params["sampler"],
        pruner=params["pruner"],
        parallel=params["parallel"],
        seed=params["search_seed"],
        epochs=params.get("folds") or (params["model"][1]["epochs"] if params["pruner"] != "none" else 1),
        maximize=metric.greater_is_better,
    )
    sign = 1.0 if metric.greater_is_better else -1.0
    shown: dict[str, Any] = {"what": f"trial 1 of {plan.trials}", "share": 0.0, "figures": {}}

    def tell(trials: list[search.Trial]) -> None:
        best = search.best(trials)
        figures = {"best": sign * best.score} if best is not None and best.score is not None else {}
        shown.update(what=f"trial {len(trials)} of {plan.trials}", share=len(trials) / plan.trials, figures=figures)
        job.progress(shown["what"], min(shown["share"], 0.99), shown["figures"])

    def within(what: str, _share: float, _figures: dict[str, float]) -> None:
        job.progress(f"{shown['what']}, {what}", min(shown["share"], 0.99), shown["figures"])

    journal = Journal(job.scratch / "trials.jsonl")
    try:
        with doing_elsewhere(job) if job.do_parts else doing(work_of(job, within), plan.parallel) as do:
            trials = search.search(plan, journal, do, tell)
    finally:
        journal.close()
    best = search.best(trials)
    if best is None or best.score is None:
        why = next((trial.error for trial in trials if trial.error), "none was trained to the end")
        raise StepError(f"no trial gave a score: {why}")
    results.write_json(job.outputs["best"], {"settings": best.point, "trial": best.number, "score": sign * best.score})
    results.write_json(
        job.outputs["trials"],
        {
            "metric": params["metric"][0],
            "greater_is_better": metric.greater_is_better,
            "sampler": plan.sampler,
            "pruner": plan.pruner,
            "space": params["space"],
            "best": best.number,
            "importance": samplers.importance(
                searched, search.known(trials, maximize=metric.greater_is_better), maximize=metric.greater_is_better
            ),
            "trials": [
                {
                    "number": trial.number,
                    "settings": trial.point,
                    "state": trial.state,
                    "score": None if trial.score is None else sign * trial.score,
                    "scores": {str(stop): sign * score for stop, score in trial.scores.items()},
                    "epochs": trial.epochs,
                    "error": trial.error,
                }
                for trial in trials
            ],
        },
    )
