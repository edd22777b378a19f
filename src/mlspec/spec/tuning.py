"""The ``tuning`` key: which candidates' settings are searched for, where, and for how long."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Seconds


class Dimension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values that one setting may take: exactly one of these keys."""

    uniform: Annotated[
        tuple[float, float] | None, Meta(description="Any number from the first to the last.", examples=[[0.0, 0.5]])
    ] = None
    log: Annotated[
        tuple[float, float] | None,
        Meta(description="Any number between two, every order of magnitude alike.", examples=[[1.0e-4, 1.0e-2]]),
    ] = None
    integer: Annotated[
        tuple[int, int] | None, Meta(description="Any whole number from the first to the last.", examples=[[2, 8]])
    ] = None
    log_integer: Annotated[
        tuple[int, int] | None,
        Meta(description="Any whole number between two, every order of magnitude alike.", examples=[[8, 256]]),
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

    The first trial is the candidate as it is written; the best trial is trained anew as the candidate.
    """

    trials: Annotated[int, Meta(description="Trials at most.", ge=1, le=100_000)] = 20
    time: Annotated[
        Seconds | None,
        Meta(
            description="No trial begins after this time. What has been found by then depends on the machine; leave it "
            "out for the same trials everywhere."
        ),
    ] = None
    money: Annotated[
        float | None,
        Meta(
            description="No trial begins after this much has been spent, by the hour's price that "
            "`constraints.budget.money` states; as `time`, it depends on the machine.",
            gt=0,
        ),
    ] = None
    sampler: Annotated[
        Literal["tpe", "random", "grid", "qmc", "gp"],
        Meta(
            description="How settings are chosen. tpe: tree-structured Parzen estimators, learn as they go; "
            "random; grid: every combination of choices; qmc: a scrambled Sobol sequence; gp: a Gaussian process."
        ),
    ] = "tpe"
    pruner: Annotated[
        Literal["asha", "hyperband", "median", "wilcoxon", "none"] | None,
        Meta(
            description="How bad trials are ended early, for models that are trained in epochs. asha: trials pause "
            "after few epochs and the better third goes on; hyperband: asha from several first stops; median: a trial "
            "worse than the median of the others that came as far ends. wilcoxon: for any model with "
            "`model.cross_validation`: trials are scored fold by fold, and one that a signed-rank test shows to be "
            "worse than the best ends. asha for models with epochs if left out, else none."
        ),
    ] = None
    parallel: Annotated[
        int,
        Meta(
            description="Trials at the same time, each on a core of its own. Part of what is searched: trials that run "
            "together don't learn from each other.",
            ge=1,
            le=256,
        ),
    ] = 1
    seed: Annotated[int, Meta(description="The seed of the search.", ge=0)] = 0
    space: Annotated[
        dict[str, Dimension] | None,
        Meta(
            description="The settings to search, by name; the model's own space if left out.",
            min_length=1,
            examples=[{"learning_rate": {"log": [1.0e-4, 1.0e-2]}, "dropout": {"uniform": [0.0, 0.5]}}],
        ),
    ] = None
