"""The training, validation and test (or held-out) rows of one part of the sources, or of their split."""

import numpy as np
import polars as pl

from mlspec.steps import results
from mlspec.steps.data import fold, parquet, split, splitters
from mlspec.steps.data.assign_parts import PART
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``table``, ``rows`` (see ``assign_parts``) -> ``train``, ``validation``, ``test`` (of a fold: ``heldout``); rows
    keep their order.

    Where the split is by hash there is no ``rows``, but ``counts``: how many rows of each class go where.
    """
    frame = parquet.scan(job.inputs["table"])
    own = pl.read_parquet(job.inputs["rows"])[PART].to_numpy() if "rows" in job.inputs else _by_hash(job, frame)
    for code, name in enumerate(fold.PARTS if "heldout" in job.outputs else split.PARTS):
        split.write_chosen([frame], [own == code], job.outputs[name])


def _by_hash(job: Job, frame: "pl.LazyFrame") -> split.Array:
    params = job.params
    mine, lacking = split.kept_rows(frame, job, "")
    column = frame.select(params["column"]).filter(pl.Series(mine)).collect().to_series()
    own = np.full(len(mine), splitters.LEFT_OUT, dtype=np.int8)
    own[mine] = splitters.by_hash(column, params["test"], params["validation"], params["seed"])
    target, _kind = params["target"]
    counts = {
        "rows": len(mine),
        "without_target": lacking,
        "parts": [int((own == code).sum()) for code in range(len(split.PARTS))],
        "classes": split.count_classes([frame], [own], target) if params["classes"] else [],
    }
    results.write_json(job.outputs["counts"], counts)
    return own
