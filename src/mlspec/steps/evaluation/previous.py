"""Reads what the last accepted run measured."""

import hashlib
from typing import Any, Literal

from msgspec import Struct

from mlspec.machine import json_values, safe_files
from mlspec.steps import results
from mlspec.steps.job import Job


class AcceptedStep(Struct, frozen=True):
    """The digests of a step's outputs."""

    outputs: dict[str, str] = {}


class Accepted(Struct, frozen=True):
    """What ``mlspec.lock`` says of the accepted run, as far as it is read here."""

    version: Literal[1] = 1
    steps: dict[str, AcceptedStep] = {}
    metrics: dict[str, dict[str, Any]] = {}


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
        split = lock.steps.get("split")
        with open(job.inputs["test"], "rb") as file:
            now = hashlib.file_digest(file, "sha256").hexdigest()
        if split is None or split.outputs.get("test") != now:
            reason = "the accepted run was measured on other test rows"
            figures = {metric: {**found, "low": None, "high": None} for metric, found in figures.items()}
        elif "predict" in lock.steps:
            predictions = lock.steps["predict"].outputs.get("predictions")
    text = {"figures": figures, "reason": reason, "predictions": predictions}
    results.write_json(job.outputs["figures"], text)
