"""Joins texts: the inputs' and its own."""

from mlspec.engine.job import Job


def run(job: Job) -> None:
    texts = [job.inputs[name].read_text() for name in sorted(job.inputs)]
    job.outputs["text"].write_text(job.params.get("text", "") + "(" + ",".join(texts) + ")")
