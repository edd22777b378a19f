"""Counts the rows before each part of a split."""

from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``train``, ``validation`` (of all parts) -> ``starts``: for both, how many rows are before each part, where the
    validation rows follow the training rows."""
    starts: dict[str, dict[str, int]] = {}
    before = 0
    for name in ("train", "validation"):
        starts[name] = {}
        for file in parquet.files(job.inputs[name]):
            starts[name][file.stem] = before
            before += parquet.count(parquet.scan(file))
    results.write_json(job.outputs["starts"], starts)
