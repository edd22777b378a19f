"""Measures what a constraint needs and no other step gives, by the constraint's own code."""

from mlspec import registry
from mlspec.steps import results
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """Files and folders of other steps -> ``measured``."""
    results.write_json(job.outputs["measured"], registry.constraint(job.params["of"]).measure(job.params, job.inputs))
