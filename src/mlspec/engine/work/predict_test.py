"""Predicts the test rows with the selected model, as it will be used: from raw rows."""

from mlspec.engine.job import Job


def run(job: Job) -> None:
    """``model`` (the package), ``test`` -> ``predictions``."""
    import numpy as np
    import polars as pl

    from mlspec.engine import package, results

    loaded = package.load(job.inputs["model"], job.device, root=job.root)
    rows = pl.read_parquet(job.inputs["test"])
    predicted, decided = loaded.predict(rows), None
    if loaded.about.groups is not None:
        decided = np.eye(predicted.shape[1])[loaded.decide(predicted, rows)]
    results.write_predictions(job.outputs["predictions"], predicted, loaded.truth(rows), decided)
