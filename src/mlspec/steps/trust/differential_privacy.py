"""Reads the differential privacy guarantee of the exported model's training."""

from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format


def run(job: Job) -> None:
    """``model`` (the package) -> ``promise``: what its training recorded, or why there is none."""
    folder = job.inputs["model"]
    about = package_format.read_about(folder)
    found = None
    reason = f"'{about.candidate}' was not trained with differential privacy"
    if about.members is None and about.personal is None:
        path = package_format.place(folder, None) / package_format.MODEL / package_format.PRIVATE
        if path.exists():
            found = results.read_json(path)
    else:
        reason = "several models predict, and their budgets are not added up"
    results.write_json(job.outputs["promise"], {"promise": found, "reason": "" if found else reason})
