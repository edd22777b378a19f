"""Checks a network and its training on a few rows, before it is trained for long."""

from typing import TYPE_CHECKING, cast

import msgspec

from mlspec import registry
from mlspec.machine import resources
from mlspec.models import _user_code
from mlspec.plugins.model import Model
from mlspec.steps import results
from mlspec.steps.data import feature_arrays
from mlspec.steps.diagnosis import network, report
from mlspec.steps.job import Job
from mlspec.steps.training import train

WITHOUT = "not checked: the rows for it did not fit into memory"

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable


def run(job: Job) -> None:
    """``train``, ``validation``, ``state`` -> ``report``, ``verdict``; an empty report where the model is no network.

    Raises StepError where something is wrong and the spec says that this stops the run.
    """
    name, settings = job.params["model"]
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    training = train.training(job, model, rows=1024)
    with _user_code.importable(job.root):
        made = cast("Trainable | None", model.network(training))
    if made is None:
        report.finish(job, (), note="the model is no network")
        return
    from mlspec.torchkit import device, memory

    least = feature_arrays.batch_memory(results.read_json(job.inputs["state"]), model, len(training.target))
    free = resources.memory() if job.allowed is None else job.allowed
    if least is not None and free is not None and training.device == "cpu":
        # It looks at more rows than a step of training may take.
        taken = least.size // max(1, least.rows) * min(network.ROWS, len(training.target))
        if taken > free:
            report.finish(job, (), note=WITHOUT)
            return
    with device.seeded(training.seed, device.find(training.device), training.threads):
        subject = network.Subject(
            module=made.module,
            rows=made.rows,
            loss=made.loss,
            classes=training.classes,
            learning_rate=made.settings.learning_rate,
        )
        try:
            found = network.examine(subject, training.seed)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_exhausted(error):
                raise
            # Training takes the batch that the spec asks for, and may be allowed to take it in parts.
            report.finish(job, (), note=WITHOUT)
            return
    report.finish(job, found)
