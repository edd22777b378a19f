"""The ``tuning`` key: which candidates' settings are searched for, where, and for how long."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Seconds


class Dimension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values that one setting may take: exactly one of these keys."""

    uniform: Annotated[
        tuple[float, float] | None,
        Meta(description="A number in this range, both ends included.", examples=[[0.0, 0.5]]),
    ] = None
    log: Annotated[
        tuple[float, float] | None,
        Meta(description="A number in this range, on a logarithmic scale.", examples=[[1.0e-4, 1.0e-2]]),
    ] = None
    integer: Annotated[
        tuple[int, int] | None, Meta(description="An integer in this range, both ends included.", examples=[[2, 8]])
    ] = None
    log_integer: Annotated[
        tuple[int, int] | None,
        Meta(description="An integer in this range, on a logarithmic scale.", examples=[[8, 256]]),
    ] = None
    choice: Annotated[
        tuple[Any, ...] | None,
        Meta(description="One of these values.", min_length=1, examples=[["relu", "gelu"]]),
    ] = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The keys that are given."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)


class Tuning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search for good settings of one candidate, scored on the validation rows by the selection's metric.

    The first trial has the settings of the spec; the candidate is then trained with the settings of the best trial.
    """

    trials: Annotated[int, Meta(description="The maximum number of trials.", ge=1, le=100_000)] = 20
    time: Annotated[
        Seconds | None,
        Meta(
            description="No trial starts after this time. The result then depends on the machine; leave it out for "
            "the same trials everywhere."
        ),
    ] = None
    money: Annotated[
        float | None,
        Meta(
            description="No trial starts after this much has been spent, at the hourly price in "
            "`constraints.budget.money`; like `time`, this depends on the machine.",
            gt=0,
        ),
    ] = None
    sampler: Annotated[
        Literal["tpe", "random", "grid", "qmc", "gp"],
        Meta(
            description="How settings are chosen. tpe: tree-structured Parzen estimator; random; grid: every "
            "combination of choices; qmc: a scrambled Sobol sequence; gp: a Gaussian process."
        ),
    ] = "tpe"
    pruner: Annotated[
        Literal["asha", "hyperband", "median", "wilcoxon", "none"] | None,
        Meta(
            description="How bad trials are stopped early, for models trained in epochs. asha: trials pause after a "
            "few epochs and the better third continues; hyperband: asha with several starting points; median: a "
            "trial worse than the median of the others at the same epoch stops. wilcoxon: for any model with "
            "`model.cross_validation`: trials are scored fold by fold, and one that a signed-rank test shows to be "
            "worse than the best stops. The default is asha for models with epochs, else none."
        ),
    ] = None
    parallel: Annotated[
        int,
        Meta(
            description="Trials that run at the same time, each on its own core (on a cluster, of any node). It "
            "changes the search: trials that run together cannot learn from each other.",
            ge=1,
            le=256,
        ),
    ] = 1
    seed: Annotated[int, Meta(description="The seed of the search.", ge=0)] = 0
    space: Annotated[
        dict[str, Dimension] | None,
        Meta(
            description="The settings to tune, by name; the model's own search space if left out.",
            min_length=1,
            examples=[{"learning_rate": {"log": [1.0e-4, 1.0e-2]}, "dropout": {"uniform": [0.0, 0.5]}}],
        ),
    ] = None
