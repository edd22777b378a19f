"""What people achieve."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline


class Human(Baseline, frozen=True, kw_only=True):
    """A figure that people were measured at, stated with the number of cases it rests on.

    The model is compared with it in that metric alone. The figure's own interval is that of a share of so many cases
    (Wilson's), so that a figure from 20 cases is not taken for a certain one; without `cases` nothing can be decided.

    Why: where people do a task today, doing it worse is no progress.

    Example:
        baselines: [human: {metric: accuracy, value: 0.87, cases: 200}]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    predicts: ClassVar[bool] = False

    metric: Annotated[str, Meta(description="The metric that was measured for people.")]
    value: Annotated[float, Meta(description="The value that people achieved.")]
    cases: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="The number of cases behind that value.")] = (
        None
    )
