"""Joins texts: the inputs' and its own."""

from mlspec.steps.job import Job


def run(job: Job) -> None:
    """The texts in the order of the inputs' names, in brackets behind the step's own; or what ``constant`` says."""
    if "constant" in job.params:
        job.outputs["text"].write_text(str(job.params["constant"]))
        return
    texts = [job.inputs[name].read_text() for name in sorted(job.inputs)]
    job.outputs["text"].write_text(job.params["text"] + "(" + ",".join(texts) + ")")
