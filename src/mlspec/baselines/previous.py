"""The last accepted run."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline


class Previous(Baseline, frozen=True, kw_only=True):
    """What the last accepted run measured, read from a copy of its `mlspec.lock`.

    Accepting a run is copying `mlspec.lock` to `accepted.lock` and committing it. Figures can be compared where the
    test rows are the very same; where they are not, or where there is no such file, the verdict is unknown. The two
    intervals are combined as if the runs had been measured apart, which is on the safe side.

    Why: a change should not make a model worse that people have come to rely on.

    Example:
        baselines: [majority, previous]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    predicts: ClassVar[bool] = False

    lock: Annotated[
        str, Meta(description="The copy of the accepted run's lock, relative to the spec's folder.", min_length=1)
    ] = "accepted.lock"
