"""Measures the selected candidate's other seeds on the test rows: how far its values depend on the seed."""

from pathlib import Path

from mlspec.steps import results
from mlspec.steps.evaluation import evaluate, intervals
from mlspec.steps.job import Job
from mlspec.steps.serving import package, package_format


def run(job: Job) -> None:
    """``model`` (the package), ``test`` (raw), ``NAME.seedN`` (each candidate's trainings) -> ``seeds``: the numbers of
    the seeds, and each metric's values with them.

    Everything else is as it was selected: preparation, calibration, thresholds, the weights of a blend.
    """
    about = package_format.read_about(job.inputs["model"])
    found: dict[str, list[float | None]] = {name: [] for name, _metric in evaluate.stated(job)}
    for number, seed in enumerate(job.params["seeds"]):
        job.progress("seed", number / len(job.params["seeds"]), {})
        loaded = _with_seed(job, about, seed)
        prediction, truth, decided = loaded.predict_stored(job.inputs["test"])
        for name, metric in evaluate.stated(job):
            answer = intervals.judged(metric, {"": prediction}, about.threshold)[""]
            if metric.decides and decided is not None:
                answer = decided
            found[name].append(intervals.score(metric, truth, answer))
    results.write_json(job.outputs["seeds"], {"seeds": job.params["seeds"], "metrics": found})


def _with_seed(job: Job, about: package_format.About, seed: int) -> package.Package:
    """The package with the models of that seed."""
    count = 0 if about.classes is None else len(about.classes)
    members = (
        [(about.candidate, about.model, 1.0, None)]
        if about.members is None
        else [(one.candidate, one.model, one.weight, number) for number, one in enumerate(about.members)]
    )
    parts = []
    for candidate, used, weight, number in members:
        folder = job.scratch / f"{candidate}.seed{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        state = Path(package_format.place(job.inputs["model"], number), package_format.STATE)
        (folder / package_format.STATE).write_bytes(state.read_bytes())
        package.copy(job.inputs[f"{candidate}.seed{seed}"], folder / package_format.MODEL)
        parts.append(package.part(folder, used, job.device, count, weight=weight))
    return package.Package(about, parts)
