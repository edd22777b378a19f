"""The same as ``act``, for a kind that wants to be alone."""

from mlspec.steps.job import Job
from mlspec.testing.work import act


def run(job: Job) -> None:
    """As ``act`` does."""
    act.run(job)
