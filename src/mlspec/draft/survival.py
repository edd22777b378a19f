"""Censored times: events beside durations, some of which had not ended when the data was collected."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from mlspec.draft import words
from mlspec.draft.afterwards import Leak
from mlspec.draft.table import NUMBERS, TIMES, Seen, Table

MOST_FATES = 4
LEAST_GLUED = 2


class Endpoint(NamedTuple):
    """The column of an event and the one of its duration."""

    event: Seen
    time: Seen


def endpoints(table: Table) -> list[Endpoint]:
    """The events that a table has with their durations, the main one first: `status` and `time`, `d_rel` and `t_rel`,
    `STROKE` and `TIMESTRK`."""
    events, times = _events(table), _times(table)
    competing = [c for c in table.columns if 2 < c.distinct <= MOST_FATES and words.plain(c.name) in words.EVENTS]
    named = [c for c in (*events, *competing) if words.ends_in(c.name, words.EVENTS) or _says_who_died(c)]
    named = [c for c in named if _is_one(c)]
    plain = [c for c in named if words.plain(c.name) in words.CENSORED]
    found = [Endpoint(named[0], c) for c in times if _is_survival(c)][:1] if named else []
    found = found or [Endpoint(one, c) for one in plain for c in times if _is_span(c)][:1]
    for time in times:
        event = _marked(time, events)
        if event is not None and all(time.name != one.time.name for one in found):
            found.append(Endpoint(event, time))
    for of in (_glued, _lettered):
        known = {one.time.name for one in found}
        pairs = [Endpoint(event, c) for c in times if c.name not in known and (event := of(c, events)) is not None]
        # Where nothing else says that there are events, one such name may mean something else.
        found += pairs if found or len(pairs) >= LEAST_GLUED else []
    return _with_main(found, events, times)


def _events(table: Table) -> list[Seen]:
    return [c for c in table.columns if c.distinct == 2]


def _times(table: Table) -> list[Seen]:
    """Numbers that may be durations: not those that count rows or time."""
    numbers = [c for c in table.columns if c.type in NUMBERS and c.distinct > 10 and (c.least or 0) >= 0]
    return [c for c in numbers if not (c.is_ordered and c.is_unique)]


def _is_survival(column: Seen) -> bool:
    """Whether a name is that of a survival time, in whichever unit: `time`, `Survival_in_days`, `os_months`."""
    found = words.parts(column.name)
    bare = [part for part in found if part not in words.UNITS]
    return "_".join(found) in words.SURVIVAL_TIMES or "_".join(bare) in words.SURVIVAL_TIMES - {"stop"}


def _is_span(column: Seen) -> bool:
    """Whether a name is that of a time from one moment to another: `duration_days`."""
    found = words.parts(column.name)
    return not words.SPANS.isdisjoint(found) and set(found) <= words.SPANS | words.UNITS


def _is_one(column: Seen) -> bool:
    """Whether the values are those of an event: numbers, or words for whether it occurred."""
    if column.type == "category":
        return all(level.value.lower() in words.FATES | words.BOTH for level in column.levels)
    return column.type != "number" or column.is_whole


def _says_who_died(column: Seen) -> bool:
    return column.type == "category" and all(level.value.lower() in words.FATES for level in column.levels)


def _marked(time: Seen, events: Sequence[Seen]) -> Seen | None:
    """The event whose name is that of a time, but for a mark that says what each is: `t.tdm` and `e.tdm`."""
    of = _subjects(time.name, words.TIME_MARKS)
    for event in events:
        if of & _subjects(event.name, words.EVENT_MARKS):
            return event
    return None


def _subjects(name: str, marks: "frozenset[str]") -> set[str]:
    found = words.parts(name)
    if len(found) < 2:
        return set()
    first = {"_".join(found[1:])} if found[0] in marks else set()
    return first | ({"_".join(found[:-1])} if found[-1] in marks else set())


def _glued(time: Seen, events: Sequence[Seen]) -> Seen | None:
    """The event that a name such as TIMEDTH shortens."""
    short = words.plain(time.name)
    if not short.startswith("time") or "_" in short or len(short) < len("time") + 2:
        return None
    long = [c for c in events if _shortens(short.removeprefix("time"), words.plain(c.name).replace("_", ""))]
    return min(long, key=lambda c: len(c.name), default=None)


def _lettered(time: Seen, events: Sequence[Seen]) -> Seen | None:
    """The event of a name such as `dtime` (`death`, `dstat`) or `tp` (`dp`)."""
    short = words.plain(time.name)
    if found := re.fullmatch("([a-z])time", short):
        ends = [c for c in events if re.fullmatch(f"{found[1]}(stat|status|cens|event)", words.plain(c.name))]
        return next(iter((*ends, *(c for c in events if words.plain(c.name).startswith(found[1])))), None)
    if found := re.fullmatch("t([a-z]{1,2})", short):
        return next((c for c in events if words.plain(c.name) == f"d{found[1]}"), None)
    return None


def _shortens(short: str, long: str) -> bool:
    if long.startswith(words.EARLIER):
        return False
    left = iter(long)
    return all(letter in left for letter in short)


def _with_main(found: list[Endpoint], events: Sequence[Seen], times: Sequence[Seen]) -> list[Endpoint]:
    """The endpoints, before them `t` and the one event that has the others' mark and no time of its own."""
    alone = next((c for c in times if words.plain(c.name) in words.TIME_MARKS), None)
    marks = {words.parts(one.event.name)[0] for one in found} & words.EVENT_MARKS
    taken = {one.event.name for one in found}
    left = [c for c in events if c.name not in taken and words.parts(c.name)[:1] and words.parts(c.name)[0] in marks]
    if alone is not None and len(left) == 1 and all(alone.name != one.time.name for one in found):
        return [Endpoint(left[0], alone), *found]
    return found


def notes(table: Table, aim: Seen) -> list[str]:
    """What is to be said where the target is one of both."""
    found = next((one for one in endpoints(table) if aim.name in (one.event.name, one.time.name)), None)
    if found is None:
        return []
    event, time = found
    said = f"'{event.name}' and '{time.name}' are censored times; models of survival are not there yet"
    if aim.name == event.name:
        return [f"{said}: this predicts whether '{event.name}' occurred, however long a row was observed"]
    return [f"{said}: '{time.name}' of rows without the event is too short; filter them out, or predict '{event.name}'"]


def leaks(table: Table, free: Sequence[Seen], aim: Seen) -> list[Leak]:
    """Of events and their times, each is known only with the others: at the end of the observation."""
    found = endpoints(table)
    outcomes = {column.name for one in found for column in one}
    if not found or (aim.name not in outcomes and not words.is_death(aim.name)):
        return []
    glued = [c.name for c in _times(table) if re.fullmatch("time[a-z]{2,}|[a-z]{1,2}time", words.plain(c.name))]
    outcomes |= set(glued if len(glued) >= LEAST_GLUED else ())
    marks = {words.parts(one.event.name)[0] for one in found[1:]} & words.EVENT_MARKS
    outcomes |= {c.name for c in _events(table) if words.parts(c.name)[:1] and words.parts(c.name)[0] in marks}
    outcomes |= {c.name for c in table.columns if c.type in TIMES and words.holds(c.name, ("end", "ended", "last"))}
    if words.is_death(aim.name) or any(words.is_death(one.event.name) for one in found):
        outcomes |= {c.name for c in _events(table) if words.is_death(c.name)}
    why = f"it is observed together with '{aim.name}', not before"
    return [Leak((c.name,), why) for c in free if c.name in outcomes - {aim.name}]
