"""Measures how long one prediction takes: the package, warm, in one process, on one thread."""

import math
import sys
import time

import polars as pl
from threadpoolctl import threadpool_limits

from mlspec.diagnostics import StepError
from mlspec.machine.environment import processor
from mlspec.steps import results
from mlspec.steps.evaluation import intervals
from mlspec.steps.job import Job
from mlspec.steps.serving import package

WARM_UP = 30
FEWEST = 60
REQUESTS = 1000
SECONDS = 15.0
LEVEL = 0.95
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


def run(job: Job) -> None:
    """``model`` (the package), ``test`` -> ``latency``: seconds, with the interval of each quantile.

    Up to 1,000 requests of ``batch`` raw rows each, fewer where they take more than 15 seconds, never fewer than 60.
    """
    batch = job.params["batch"]
    loaded = package.load(job.inputs["model"], job.device)
    rows = pl.read_parquet(job.inputs["test"], columns=[name for name, _ in loaded.about.columns])
    if not rows.height:
        raise StepError("there are no test rows to measure the latency with")
    if rows.height < batch:
        rows = pl.concat([rows] * math.ceil(batch / rows.height))
    starts = [request * batch % (rows.height - batch + 1) for request in range(WARM_UP + REQUESTS)]
    taken: list[float] = []
    with threadpool_limits(limits=1):
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        began = time.monotonic()
        for count, start in enumerate(starts):
            request = rows.slice(start, batch)
            before = time.perf_counter()
            loaded.predict(request)
            after = time.perf_counter()
            if count >= WARM_UP or time.monotonic() - began > SECONDS:
                taken.append(after - before)
            if len(taken) >= FEWEST and time.monotonic() - began > SECONDS:
                break
    taken.sort()
    found: dict[str, float] = {}
    ranges: dict[str, list[float | None]] = {}
    for name, share in QUANTILES.items():
        found[name] = taken[math.ceil(share * len(taken)) - 1]
        ends = intervals.quantile_ranks(len(taken), share, LEVEL)
        ranges[name] = [None if rank is None else taken[rank - 1] for rank in ends]
    about = {"batch": batch, "n": len(taken), "machine": processor(), "level": LEVEL, "intervals": ranges}
    results.write_json(job.outputs["latency"], {**found, **about})
