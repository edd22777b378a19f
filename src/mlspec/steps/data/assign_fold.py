"""Says where the rows of each part of a split go in a fold."""

from mlspec.steps import results
from mlspec.steps.data import assign_parts, fold
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """What ``fold`` reads -> ``rows.NUMBER`` for each part of the training rows and then of the validation rows (one
    column: 0 training, 1 validation, 2 held out, -1 left out), ``starts`` (how many training rows are before each) and
    ``rows`` as ``fold`` gives them.

    Raises StepError as ``fold`` does.
    """
    frames, chosen = fold.divided(job)
    del frames
    starts = assign_parts.write(job, [job.inputs[name] for name in ("train", "validation")], chosen)
    results.write_json(job.outputs["starts"], starts)
    fold.write_rows(job, chosen)
