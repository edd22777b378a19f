"""The last accepted run."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline


class Previous(Baseline, frozen=True, kw_only=True):
    """The values of the last accepted run, read from a copy of its `mlspec.lock`.

    `mlspec accept` copies `mlspec.lock` to `accepted.lock`, to be committed. Values can be compared only on the same
    test rows, whatever columns these have; otherwise, or without such a file, the verdict is unknown. The two intervals
    are combined as if the runs had been measured independently, which is conservative.

    Why: a change should not make a model worse that people rely on.

    Example:
        baselines: [majority, previous]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    predicts: ClassVar[bool] = False

    lock: Annotated[
        str, Meta(description="The copy of the accepted run's lock, relative to the spec's folder.", min_length=1)
    ] = "accepted.lock"
