"""Looks at what the training rows say of groups of people."""

from mlspec.engine.job import Job

ROWS = 200_000


def run(job: Job) -> None:
    """``train`` (raw rows) -> ``report``, ``verdict``. What is found is shown; it never ends a run."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from mlspec.engine import tables
    from mlspec.engine.debugging import content, groups, report

    params = job.params
    frame = tables.scan(job.inputs["train"]).select(
        list(dict.fromkeys([*params["features"], params["group"], params["target"]]))
    )
    count = tables.count(frame)
    most = content.MOST_ROWS if content.columns(frame) else ROWS
    rows = content.summarised(tables.some(frame, np.arange(0, count, max(1, -(-count // most)))).lazy()).collect()
    features = [name for name in rows.columns if name not in (params["group"], params["target"])]
    with threadpool_limits(limits=job.threads):
        found = groups.examine(rows, features, params["group"], params["target"], params["positive"])
    report.finish(job, found)
