"""The ``project`` key: what the project is, for whom, and the kind of its answer."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import ColumnType, Task
from mlspec.spec.types import ColumnName, Name
from mlspec.spec.users import Users


class Goal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A goal of the project, and the metric that measures it."""

    name: Annotated[Name, Meta(description="A short name; the goal's gate is named after it.", examples=["reach"])]
    statement: Annotated[
        str, Meta(description="The goal in a sentence; shown in the report.", extra={"prose": True})
    ] = ""
    metric: Annotated[
        str | None,
        Meta(
            description="The metric that measures the goal; one that `evaluation.metrics` computes.",
            examples=["roc_auc"],
        ),
    ] = None
    direction: Annotated[
        Literal["maximize", "minimize"] | None,
        Meta(description="Which direction is better. It must agree with the metric; stating it checks that."),
    ] = None
    at_least: Annotated[float | None, Meta(description="The lowest value that reaches the goal.")] = None
    at_most: Annotated[float | None, Meta(description="The highest value that reaches the goal.")] = None
    guardrail: Annotated[
        bool,
        Meta(description="Metrics that must not get worse, compared with the accepted run (`accepted.lock`)."),
    ] = False
    tolerance: Annotated[
        float, Meta(description="By how much a guardrail's metric may get worse, in its unit.", ge=0)
    ] = 0.0
    priority: Annotated[
        int | None,
        Meta(
            description="1 is the most important; the order of the list if left out. The metric of the first goal "
            "that has one is the default of `model.select.metric`.",
            ge=1,
        ),
    ] = None


class Interface(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers send and get: the features that the model reads must be exactly these."""

    inputs: Annotated[
        dict[ColumnName, ColumnType],
        Meta(description="The features with their types.", examples=[{"age": "integer", "job": "category"}]),
    ]
    classes: Annotated[
        tuple[str, ...] | None, Meta(description="The only classes that a prediction may have.", min_length=2)
    ] = None


class ProjectInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the project is for. Prose goes into the report; it changes no result."""

    name: Annotated[Name, Meta(description="The project's name.", examples=["adult-income"], extra={"prose": True})]
    goal: Annotated[
        str,
        Meta(description="What the model is for, in one sentence; shown in the report.", extra={"prose": True}),
    ] = ""
    task: Annotated[Task | None, Meta(description="The kind of prediction; inferred from the target if left out.")] = (
        None
    )
    owners: Annotated[
        tuple[str, ...], Meta(description="Who is responsible; shown in the report.", extra={"prose": True})
    ] = ()
    license: Annotated[
        str | None,
        Meta(
            description="The licence of the model, as an SPDX identifier, for the model card; the card states none "
            "if left out.",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]{0,63}$",
            examples=["Apache-2.0"],
            extra={"prose": True},
        ),
    ] = None
    goals: Annotated[
        tuple[Goal, ...],
        Meta(
            description="The goals, each bound to a metric; a goal without one must be waived with a reason in "
            "`constraints.waivers`."
        ),
    ] = ()
    interface: Annotated[
        Interface | None,
        Meta(description="The inputs and outputs of the exported model; checked against the columns that are used."),
    ] = None
    users: Annotated[Users, Meta(description="Who uses predictions, and how.")] = Users()
