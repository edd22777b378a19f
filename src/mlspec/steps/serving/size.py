"""Adds up the bytes of the package."""

from mlspec.steps import results
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``model`` (the package) -> ``size``: ``{"bytes", "files"}``."""
    folder = job.inputs["model"]
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    results.write_json(job.outputs["size"], {"bytes": sum(files.values()), "files": files})
