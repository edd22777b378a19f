"""The ``report`` key: where runs are also logged, in addition to their own folders."""

from typing import Annotated

from msgspec import Meta, Struct


class Mlflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MLflow server on which each run that did something is logged, with its report and its model.

    MLflow's own variables (`MLFLOW_TRACKING_USERNAME`, `MLFLOW_TRACKING_PASSWORD`, `MLFLOW_TRACKING_TOKEN`) say who
    asks, where the server wants to know. What is stated here changes no result and is in no digest.
    """

    tracking_uri: Annotated[
        str,
        Meta(
            description="The server's address; ${env:NAME} inserts an environment variable, for values that are "
            "secret or depend on the machine.",
            examples=["https://mlflow.example.org", "${env:MLFLOW_TRACKING_URI}"],
            min_length=1,
            extra={"prose": True},
        ),
    ]
    experiment: Annotated[
        str | None,
        Meta(description="The MLflow experiment; the project's name if left out.", min_length=1, extra={"prose": True}),
    ] = None


class ReportSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where runs are also logged, in addition to their own folders."""

    mlflow: Annotated[Mlflow | None, Meta(description="An MLflow server that runs are also logged to.")] = None
