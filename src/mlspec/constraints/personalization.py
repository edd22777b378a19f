"""Models of groups of their own."""

from collections.abc import Iterator
from typing import ClassVar

from msgspec.structs import replace

from mlspec.plugins.constraint import Check, Constraint, Context, Measured, Params, Records
from mlspec.plugins.verdict import Verdict, by_interval, not_better, not_measured


class Personalization(Constraint, frozen=True, kw_only=True):
    """Groups with their own models get better predictions than from the shared model; follows from
    `model.personalization`.

    Why: separate models cost data, time and care; they must be worth it for the groups that use them.

    Example:
        model: {personalization: {level: cohort, key: region}}
    """

    is_key: ClassVar[bool] = False

    def checks(self, context: Context) -> Iterator[Check]:
        """One gate."""
        yield Check()

    @classmethod
    def decide(cls, params: Params, measured: Measured, records: Records) -> Verdict:
        """By the interval of the gain on the rows of those groups: it must lie above 0."""
        found = measured.get("personalization")
        if found is None:
            return not_measured("models of groups are better than the shared model", 0.0)
        text = f"models of groups have a better {found['metric']} than the shared model"
        if not found["groups_with_own"]:
            # Without models of groups there is only the shared model.
            verdict = by_interval(text, found["gain"], 0, 0.0, at_least=True)
            return replace(verdict, verdict="pass", reason="every group uses the shared model")
        unit = f"better on the rows of {found['groups_with_own']:,} groups"
        return not_better(by_interval(text, found["gain"], found["rows"], 0.0, at_least=True, unit=unit))
