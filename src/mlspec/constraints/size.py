"""Bounds on what is shipped."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Measurement, Params, Records
from mlspec.plugins.keys import AT_MOST, Bytes
from mlspec.plugins.verdict import Verdict, by_value, size

MODEL = {"model": ("select", "model")}


class Size(Constraint, frozen=True, kw_only=True):
    """Bounds on the exported model: its size, and the memory that a prediction needs.

    Why: a model has to fit where it runs.

    Example:
        size: {model: 20MB, memory: 512MB}
    """

    rank: ClassVar[int] = 60
    is_compared: ClassVar[bool] = True

    model: Annotated[
        Bytes | None,
        Meta(description="Bound on the exported model with its preparation, in bytes.", extra=AT_MOST),
    ] = None
    memory: Annotated[
        Bytes | None,
        Meta(
            description="Bound on the peak memory of a separate process that loads the model and predicts one row.",
            extra=AT_MOST,
        ),
    ] = None

    def checks(self, context: Context) -> Iterator[Check]:
        """A gate for each bound; ``serving_memory`` decides on the second."""
        if self.model is not None:
            reads = Measurement(step="measure.size", output="size", kind="size", inputs=MODEL)
            yield Check(name="model", at=("model",), params={"at_most": self.model}, reads=reads)
        if self.memory is not None:
            inputs = {**MODEL, "test": ("split", "test")}
            reads = Measurement(step="measure.memory", output="memory", kind="serving_memory", inputs=inputs)
            params = {"at_most": self.memory}
            yield Check(name="memory", at=("memory",), params=params, reads=reads, of="serving_memory")

    @classmethod
    def unit(cls, params: Params) -> str:
        """Bytes."""
        return "bytes"

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the bytes of all files."""
        bound = params["at_most"]
        return by_value(f"model size at most {size(bound)}", measured.get("bytes"), bound, size)
