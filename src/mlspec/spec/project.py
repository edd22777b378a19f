"""The ``project`` key: what the project is, for whom, and the kind of its answer."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import ColumnType, Task
from mlspec.spec.types import ColumnName, Name
from mlspec.spec.users import Users


class Goal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the project is to reach, and the metric that tells whether it does."""

    name: Annotated[Name, Meta(description="A short name; the goal's gate is called after it.", examples=["reach"])]
    statement: Annotated[
        str, Meta(description="The goal in a sentence; shown in the report.", extra={"prose": True})
    ] = ""
    metric: Annotated[
        str | None,
        Meta(description="The metric that tells; one that `evaluation.metrics` computes.", examples=["roc_auc"]),
    ] = None
    direction: Annotated[
        Literal["maximize", "minimize"] | None,
        Meta(description="Which way is better. It must be the metric's own way: it is stated to be checked."),
    ] = None
    at_least: Annotated[float | None, Meta(description="The least value with which the goal is reached.")] = None
    at_most: Annotated[float | None, Meta(description="The greatest value with which the goal is reached.")] = None
    guardrail: Annotated[
        bool,
        Meta(description="What must not get worse: the metric is held against the accepted run's (`accepted.lock`)."),
    ] = False
    tolerance: Annotated[
        float, Meta(description="By how much a guardrail's metric may get worse, in its unit.", ge=0)
    ] = 0.0
    priority: Annotated[
        int | None,
        Meta(
            description="1 is the most important; the order of the list if left out. The metric of the first goal that "
            "has one is what `model.select.metric` is if left out.",
            ge=1,
        ),
    ] = None


class Interface(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers send and get: the features that the model reads must be exactly these."""

    inputs: Annotated[
        dict[ColumnName, ColumnType],
        Meta(description="Each feature with its type.", examples=[{"age": "integer", "job": "category"}]),
    ]
    classes: Annotated[
        tuple[str, ...] | None, Meta(description="The classes that the answer may name, no others.", min_length=2)
    ] = None


class ProjectInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the project is for. Prose goes into the report; it changes no result."""

    name: Annotated[Name, Meta(description="The project's name.", examples=["adult-income"], extra={"prose": True})]
    goal: Annotated[
        str,
        Meta(description="What the model is for, in a sentence; shown in the report.", extra={"prose": True}),
    ] = ""
    task: Annotated[
        Task | None, Meta(description="What is predicted; inferred from the target where it is left out.")
    ] = None
    owners: Annotated[
        tuple[str, ...], Meta(description="Who answers for it; shown in the report.", extra={"prose": True})
    ] = ()
    license: Annotated[
        str | None,
        Meta(
            description="The licence under which the model may be used, as an SPDX identifier; stands in the model "
            "card, which names none without it.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$",
            examples=["Apache-2.0"],
            extra={"prose": True},
        ),
    ] = None
    goals: Annotated[
        tuple[Goal, ...],
        Meta(
            description="What is to be reached, each bound to a metric; one that has none must be waived with a reason "
            "in `constraints.waivers`."
        ),
    ] = ()
    interface: Annotated[
        Interface | None, Meta(description="What callers send and get; checked against the columns that are used.")
    ] = None
    users: Annotated[Users, Meta(description="How a prediction meets a person.")] = Users()
