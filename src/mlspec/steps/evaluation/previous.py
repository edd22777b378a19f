"""Reads what the last accepted run measured."""

import hashlib
from typing import Any, Literal

from msgspec import Struct

from mlspec.machine import json_values, safe_files
from mlspec.spec.pinned import LockedRows
from mlspec.steps import results
from mlspec.steps.data import table_digest
from mlspec.steps.job import Job


class AcceptedStep(Struct, frozen=True):
    """The digests of a step's outputs."""

    outputs: dict[str, str] = {}


class Accepted(Struct, frozen=True):
    """What ``mlspec.lock`` says of the accepted run, as far as it is read here."""

    version: Literal[1] = 1
    steps: dict[str, AcceptedStep] = {}
    metrics: dict[str, dict[str, Any]] = {}
    test_rows: LockedRows | None = None


def run(job: Job) -> None:
    """``test`` (the rows now) -> ``figures``: ``{"figures": {METRIC: value, low, high}, "reason", "predictions"}``.

    ``predictions`` is the digest of the accepted run's predictions of these rows, where it was measured on them.
    Where the accepted run was measured on other test rows the figures come without intervals, and with the reason;
    where there is no accepted run there are none.
    """
    name, reason = job.params["lock"], None
    predictions: str | None = None
    figures: dict[str, dict[str, float | None]] = {}
    try:
        lock = json_values.decode(safe_files.read(job.root / name), Accepted)
    except FileNotFoundError:
        reason = f"there is no accepted run: no '{name}' next to the spec"
    except (OSError, ValueError) as error:
        reason = f"'{name}' is not a lock of a run: {error}"
    else:
        figures = {metric: dict(found) for metric, found in lock.metrics.items()}
        if not _same_rows(lock, job):
            reason = "the accepted run was measured on other test rows"
            figures = {metric: {**found, "low": None, "high": None} for metric, found in figures.items()}
        elif "predict" in lock.steps:
            predictions = lock.steps["predict"].outputs.get("predictions")
    text = {"figures": figures, "reason": reason, "predictions": predictions}
    results.write_json(job.outputs["figures"], text)


def _same_rows(lock: Accepted, job: Job) -> bool:
    """Whether the accepted run was measured on these rows, whatever columns they have; by an older lock, on exactly
    this table."""
    if lock.test_rows is not None:
        return lock.test_rows.are(table_digest.rows(job.inputs["test"], job.params["rows"]))
    split = lock.steps.get("split")
    with open(job.inputs["test"], "rb") as file:
        return split is not None and split.outputs.get("test") == hashlib.file_digest(file, "sha256").hexdigest()
