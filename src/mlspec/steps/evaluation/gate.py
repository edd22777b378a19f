"""Decides whether a constraint holds: pass, fail, or unknown, which is never a pass."""

from msgspec.structs import replace

from mlspec import registry
from mlspec.steps import results
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """What was measured (and what the steps before took) -> ``verdict``."""
    read = next(iter(job.inputs.values()), None)
    measured = {} if read is None else results.read_json(read)
    verdict = registry.constraint(job.params["of"]).decide(job.params, measured, job.records)
    results.write_json(job.outputs["verdict"], replace(verdict, gate=job.id).result())
