"""Fits the selected candidate on a share of the training rows, several times, and scores it on the validation rows."""

import shutil
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.data import parquet, split
from mlspec.steps.evaluation import decisions
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format
from mlspec.steps.training import refit

Array = np.ndarray[Any, Any]

FEWEST = 10
SEED = 20_171_201


def run(job: Job) -> None:
    """``model`` (the package), ``train``, ``validation`` (raw), ``history.NAME`` -> ``scores``: rows and the metric.

    The preparation is fitted on the share alone. Shares of one repetition are nested: the smaller is in the greater.
    Classes keep their shares, and groups that the split keeps whole stay whole. Each repetition trains with a seed of
    its own. Raises StepError where a share has fewer than 10 rows.
    """
    params = job.params
    about = package_format.read_about(job.inputs["model"])
    name, settings = params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    train, validation = (parquet.scan(job.inputs[part]) for part in ("train", "validation"))
    if params["by"] is None:
        keys = pl.Series([0]).extend_constant(0, int(train.select(pl.len()).collect().item()) - 1)
    else:
        keys = train.select(params["by"]).collect().to_series()
    priced = None
    if "mitigation" in params:
        text = results.read_json(job.inputs[f"history.{about.candidate}"])["mitigation"]
        priced = {**params["mitigation"], "prices": text["rounds"][text["chosen"]]["prices"]}
    found = []
    for number in range(params["repeats"]):
        job.progress("repetition", number / params["repeats"], {})
        mine = share(keys, params["fraction"], params["whole"], number)
        if int(mine.sum()) < FEWEST:
            raise StepError(f"{params['fraction']:g} of {len(mine):,} training rows are fewer than {FEWEST}")
        rows = train.with_columns(pl.Series("__mine__", mine)).filter("__mine__").drop("__mine__")
        folder = job.scratch / str(number)
        truth, answer = refit.answers(
            job,
            about,
            rows,
            validation,
            params["candidates"],
            folder,
            seed=params["seed"] + number,
            priced=priced,
        )
        shutil.rmtree(folder, ignore_errors=True)
        mistakes = params["deciding"].get("mistakes")
        if metric.decides and mistakes is not None:
            threshold = decisions.least_cost(truth, answer[:, 1], mistakes)["threshold"]
            answer = decisions.decided(answer, threshold)
        found.append({"rows": int(mine.sum()), "value": float(metric.score(truth, answer))})
    results.write_json(job.outputs["scores"], {"fraction": params["fraction"], "repetitions": found})


def share(keys: "pl.Series", fraction: float, whole: bool, number: int) -> "Array":
    """Which rows belong to the share (n,), bool. ``whole``: rows with one key stay together; else each key keeps its
    share, and at least one row."""
    random = np.random.Generator(np.random.PCG64([SEED, number]))
    mine = np.zeros(len(keys), dtype=bool)
    parts = split.groups(keys)
    if whole:
        for index in random.permutation(len(parts)):
            if mine.sum() >= round(fraction * len(keys)):
                break
            mine[parts[index]] = True
        return mine
    for rows in parts:
        mine[random.permutation(rows)[: max(1, round(fraction * len(rows)))]] = True
    return mine
