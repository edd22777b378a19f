"""Censored times: an event beside a duration, some of which had not ended when the data was collected."""

from collections.abc import Sequence

from mlspec.draft import words
from mlspec.draft.afterwards import Leak
from mlspec.draft.table import NUMBERS, Seen, Table


def pair(table: Table) -> tuple[Seen, Seen] | None:
    """The column of an event and the one of its duration, if a table has both."""
    events = [
        c for c in table.columns if c.distinct == 2 and (words.ends_in(c.name, words.EVENTS) or _is(c, words.EVENTS))
    ]
    times = [
        c
        for c in table.columns
        if c.type in NUMBERS and c.distinct > 10 and (c.least or 0) >= 0 and _is(c, words.SURVIVAL_TIMES)
    ]
    return (events[0], times[0]) if events and times else None


def _is(column: Seen, names: "frozenset[str]") -> bool:
    found = words.parts(column.name)
    return "_".join(found) in names or (bool(found) and found[-1] in ("survival", "futime"))


def notes(table: Table, aim: Seen) -> list[str]:
    """What is to be said where the target is one of both."""
    found = pair(table)
    if found is None or aim.name not in (found[0].name, found[1].name):
        return []
    event, time = found
    said = f"'{event.name}' and '{time.name}' are censored times; models of survival are not there yet"
    if aim.name == event.name:
        return [f"{said}: this predicts whether '{event.name}' occurred, however long a row was observed"]
    return [f"{said}: '{time.name}' of rows without the event is too short; filter them out, or predict '{event.name}'"]


def leaks(table: Table, free: Sequence[Seen], aim: Seen) -> list[Leak]:
    """Of an event and its time, one is known only with the other."""
    found = pair(table)
    if found is None or aim.name not in (found[0].name, found[1].name):
        return []
    other = found[1] if aim.name == found[0].name else found[0]
    why = f"it is observed together with '{aim.name}', not before"
    return [Leak((other.name,), why)] if any(c.name == other.name for c in free) else []
