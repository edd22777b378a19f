"""Predicts the test rows without looking at them: the answer that any model must beat."""

from mlspec.engine.job import Job


def run(job: Job) -> None:
    """``train``, ``test`` -> ``predictions``: class shares, or the mean or median, of the training rows."""
    import numpy as np

    from mlspec.engine import preparation, results, tables

    known = preparation.describe_target(tables.scan(job.inputs["train"]), job.params)
    state = {"target": known}
    name = known["name"]
    train, test = (
        preparation.target(tables.scan(job.inputs[part]).select(name).collect(), state) for part in ("train", "test")
    )
    if known["classes"] is not None:
        shares = np.bincount(train, minlength=len(known["classes"])) / len(train)
        prediction = np.tile(shares, (len(test), 1))
    else:
        value = np.median(train) if job.params["baseline"] == "median" else train.mean()
        prediction = np.full(len(test), value)
    results.write_predictions(job.outputs["predictions"], prediction, test)
