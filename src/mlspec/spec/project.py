"""The ``project`` key: what the project is, for whom, and the kind of its answer."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.plugin import Task
from mlspec.spec.types import Name
from mlspec.spec.users import Users


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
    users: Annotated[Users, Meta(description="How a prediction meets a person.")] = Users()
