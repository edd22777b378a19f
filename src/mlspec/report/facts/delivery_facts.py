"""DORA's four figures of a stage, as the report shows them."""

from typing import Annotated

from msgspec import Meta, Struct

COMPUTED = {
    "deployments": "promotions to the stage; a week: divided by the weeks since the first, at least one",
    "lead time": "median time from the commit of a bundle to its first promotion to the stage",
    "change failure rate": "share of promotions that were rolled back, or had an incident, before the next promotion",
    "time to restore": "median time from an incident to what ended it (rollback, promotion, `restored`); of a rollback "
    "without an incident, from the promotion that it took back",
}


class Figures(Struct, frozen=True, kw_only=True):
    """The figures of one stage; times in seconds, None where nothing happened that they could be computed from."""

    stage: str
    deployments: Annotated[int, Meta(description=COMPUTED["deployments"])]
    deployments_per_week: float | None
    lead_time: Annotated[float | None, Meta(description=COMPUTED["lead time"])]
    failures: int
    change_failure_rate: Annotated[float | None, Meta(description=COMPUTED["change failure rate"])]
    time_to_restore: Annotated[float | None, Meta(description=COMPUTED["time to restore"])]


HEADS = ("stage", "deployments", "a week", "lead time", "change failure rate", "time to restore")


def cells(one: Figures) -> tuple[str, ...]:
    """The figures as they are shown, in the order of ``HEADS``."""
    from mlspec import formatting

    def lasted(seconds: float | None) -> str:
        if seconds is None:
            return "-"
        return f"{seconds / 86400:.1f} days" if seconds >= 2 * 86400 else formatting.seconds(seconds)

    return (
        one.stage,
        str(one.deployments),
        "" if one.deployments_per_week is None else f"{one.deployments_per_week:.2g}",
        lasted(one.lead_time),
        "" if one.change_failure_rate is None else f"{one.change_failure_rate:.0%}",
        lasted(one.time_to_restore),
    )
