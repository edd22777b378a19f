"""Columns whose names say that they are known only after what is to be predicted."""

from collections.abc import Sequence
from typing import NamedTuple

from mlspec.draft import words
from mlspec.draft.table import Seen


class Leak(NamedTuple):
    """Columns that tell the target together, and the evidence; ``is_made_of_it``: the target is there first."""

    columns: tuple[str, ...]
    why: str
    is_made_of_it: bool = False


def by_name(columns: Sequence[Seen], target: str) -> list[Leak]:
    """Columns whose names say that they are known only afterwards."""
    found = []
    for column in columns:
        name = words.plain(column.name)
        after = name in words.AFTERWARDS or (
            name in ("boat", "body", "alive") and words.holds(target, words.OF_SURVIVAL)
        )
        after |= name.endswith(("_after", "_afterwards", "_pred", "_predicted"))
        after |= name.startswith(("outcome_", "predicted_", "prediction_")) and name != words.plain(target)
        after |= name in (f"{words.plain(target)}_reason", f"{words.plain(target)}_date", "reason_for_leaving")
        after |= name in ("churn_reason", "churn_category", "churn_date", "termination_reason", "termination_date",
                          "date_of_death", "death_date", "exit_reason", "closing_date")  # fmt: skip
        if after and name not in ("outcome_prev", "outcome_previous"):
            found.append(Leak((column.name,), "by its name it is known only after what is predicted"))
    return found
