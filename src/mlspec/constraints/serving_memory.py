"""The memory that answering takes."""

from typing import ClassVar

from mlspec.plugins.constraint import Constraint, Measured, Params, Records
from mlspec.plugins.verdict import Verdict, by_value, size


class ServingMemory(Constraint, frozen=True, kw_only=True):
    """Decides `constraints.size.memory`: the peak memory of a process that loads the model and predicts a row.

    Why: a small file can need much memory when it is loaded.

    Example:
        size: {memory: 512MB}
    """

    is_key: ClassVar[bool] = False

    @classmethod
    def unit(cls, params: Params) -> str:
        """Bytes."""
        return "bytes"

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the measured peak."""
        bound = params["at_most"]
        return by_value(f"memory to answer at most {size(bound)}", measured.get("bytes"), bound, size)
