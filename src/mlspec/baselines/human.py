"""What people achieve."""

from typing import Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline


class Human(Baseline, frozen=True, kw_only=True):
    """A value that people achieved, with the number of cases it was measured on.

    The model is compared with it only in that metric. The interval is that of a proportion of that many cases (Wilson),
    so a value from 20 cases is not treated as certain; without `cases` the verdict is unknown.

    Why: if people do a task today, a worse model is no progress.

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
