"""How rows are to be split: by time where they have one, by groups where a thing has several rows, else by chance."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from mlspec.draft import survival, words
from mlspec.draft.table import NUMBERS, TIMES, Given, Seen, Table
from mlspec.draft.task import Task

SMALL, FEWEST_MOMENTS, CLOCK = 400, 6, 100
FEWEST_GROUPS, MANY_GROUPS, MOST_ROWS_EACH, FEWEST_OF_SERIES = 8, 20, 0.34, 4

Parts = Callable[[dict[str, Any]], "tuple[str, tuple[int, ...]] | None"]
"""What a split would come to: why it can't be (empty if it can), and the rows of its parts; None if unknown."""


Recurs = Callable[[str, str], bool | None]
"""Whether most values of a column have rows at several moments of another; None if unknown."""


class Split(NamedTuple):
    """The split as a spec states it, its reason, and further lines."""

    stated: dict[str, Any]
    why: str
    lines: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None


def of(
    table: Table, target: Seen, task: Task, given: Given, unused: Collection[str], parts: Parts, recurs: Recurs
) -> Split:
    """The split of a table whose ``unused`` columns have another role; ``parts`` tries one."""
    columns = [c for c in table.columns if c.name != target.name and c.name not in unused]
    stated = _stated_parts(columns)
    if stated is not None and given.time is None and given.group is None:
        said = {"by": "given", "column": stated}
        tried = parts(said)
        if tried is None or not tried[0]:
            return Split(said, f"'{stated}' states the part of each row")
    moment = given.time or (None if survival.endpoints(table) else _moment(columns))
    thing = given.group or entity(columns, is_panel=moment is not None, by_values=True)
    if thing is not None and moment is not None and given.group is None and recurs(thing, moment) is False:
        thing = None
    lines: list[str] = []
    if moment is not None and given.time is None and _is_small_sample(table, moment, thing):
        later = f"split: {{by: time, column: {moment}}}"
        lines.append(f"rows are few, and not in the order of '{moment}'; for predictions of later ones: {later}")
        moment = None
    if moment is not None and (given.group is None or given.time is not None):
        wanted = {"by": "time", "column": moment, "test": 0.2, "validation": 0.1}
        tried = parts(wanted)
        if given.time is not None or tried is None or not tried[0]:
            return _by_time(wanted, moment, thing, given, table)
        lines.append(f"by time ('{moment}') is not possible: {tried[0]}")
    if thing is not None:
        wanted = {"by": "group", "column": thing, "test": 0.2, "validation": 0.1, "seed": 0}
        if task.kind != "regression":
            wanted = {**wanted, "stratify": target.name}
        tried = parts(wanted)
        if given.group is not None or tried is None or not tried[0]:
            return _by_group(wanted, thing, given, table, lines)
        lines.append(f"by group ('{thing}') is not possible: {tried[0]}")
    by = "random" if task.kind == "regression" else "stratified"
    why = "no column says when rows were made, or which of them belong together"
    if lines:
        why = "by chance"
    if by == "stratified":
        why = "each part has the same shares of the classes; " + why
    return Split({"by": by, "test": 0.2, "validation": 0.1, "seed": 0}, why, tuple(lines))


def _is_small_sample(table: Table, moment: str, thing: str | None) -> bool:
    """Whether a table has few rows, collected at some times, which are no series."""
    each = 1.0 if thing is None else table.rows / max(1, table.column(thing).distinct)
    return table.rows < SMALL and not table.column(moment).is_ordered and each < FEWEST_OF_SERIES


def _by_time(stated: dict[str, Any], moment: str, thing: str | None, given: Given, table: Table) -> Split:
    column = table.column(moment)
    order = "rows are in its order" if column.is_ordered else "rows have a time, though not in its order"
    why = "as stated" if given.time is not None else f"{order}: later rows judge a model of earlier ones"
    lines = (
        [] if given.time else [f"if rows of all times are alike for you: split: {{by: random}}, and drop '{moment}'"]
    )
    if thing is not None:
        lines = [
            f"'{thing}' has rows at several times (a panel): this predicts known ones at later times; for new ones, "
            f"split: {{by: group, column: {thing}}}; a split by both is not there yet"
        ]
    return Split(stated, why, tuple(lines), time=moment, group=thing)


def _by_group(stated: dict[str, Any], thing: str, given: Given, table: Table, lines: list[str]) -> Split:
    column = table.column(thing)
    why = f"{column.distinct:,} values have several rows each ('{thing}'): all rows of one are in one part"
    if given.group is not None:
        why = f"as stated; {column.distinct:,} groups"
    return Split(stated, why, tuple(lines), group=thing)


def _stated_parts(columns: Sequence[Seen]) -> str | None:
    """A column that states the part of each row."""
    known = {"train", "training", "validation", "valid", "dev", "test"}
    for column in columns:
        values = {level.value.lower() for level in column.levels}
        full = {"test"} <= values <= known and values & {"train", "training"} and not column.missing
        if full and column.distinct == len(column.levels) and column.type == "category":
            return column.name
    return None


def _moment(columns: Sequence[Seen]) -> str | None:
    """The column that says when a row was made: a date or year of every row, best one whose name says so."""
    ranked: list[tuple[int, int, str]] = []
    for at, column in enumerate(columns):
        if column.missing or words.holds(column.name, words.NOT_THE_TIME) or column.distinct < FEWEST_MOMENTS:
            continue
        named = words.holds(column.name, words.TIME_NAMES)
        if column.type in TIMES:
            ranked.append((4 * column.is_ordered + 2 * named + 2, -at, column.name))
        elif column.type in NUMBERS and column.is_ordered and column.distinct > CLOCK and words.plain(column.name) in (
            "time", "timestamp", "ts", "epoch", "unixtime"
        ):  # fmt: skip
            ranked.append((2, -at, column.name))
        elif _is_year(column):
            ranked.append((1 + column.is_ordered, -at, column.name))
    return max(ranked)[2] if ranked else None


def _is_year(column: Seen) -> bool:
    named = words.ends_in(column.name, words.YEARS) or words.parts(column.name)[:1] in (["year"], ["yr"])
    least, greatest = column.least or 0, column.greatest or 0
    full = 1800 <= least <= greatest <= 2100 or (len(words.parts(column.name)) == 1 and 30 <= least <= greatest <= 99)
    return column.type in NUMBERS and column.is_whole and named and full


def entity(columns: Sequence[Seen], *, is_panel: bool = False, by_values: bool = False) -> str | None:
    """The column that says which thing or person a row is about, if these have several rows: by its name, or
    ``by_values``, each of which has as many rows as any other."""
    ranked: list[tuple[int, int, str]] = []
    for at, column in enumerate(columns):
        found = words.parts(column.name)
        is_key = bool(found) and found[-1] in ("id", "uuid", "guid", "key", "code", "number", "no", "nr")
        is_thing = bool(found) and found[-1] in words.THINGS
        named = is_thing or (is_key and any(word in words.THINGS for word in found[:-1]))
        named |= is_key and (found[-1] == "id" or len(found) == 1) and column.distinct >= MANY_GROUPS
        is_quantity = not words.QUANTITY.isdisjoint(found)
        if column.type not in ("integer", "category") or column.missing or is_quantity:
            continue
        counts = [level.rows for level in column.levels]
        most, least = max(counts, default=0), min(counts, default=0)
        repeats = column.present >= 1.2 * column.distinct and most < MOST_ROWS_EACH * column.present
        is_even = is_panel and column.distinct >= 3 and most <= 3 * least
        # Few numbers may also say how many of a thing there are.
        enough = FEWEST_GROUPS if column.type == "category" or is_key else MANY_GROUPS
        if named and repeats and (is_even or column.distinct >= enough):
            ranked.append((2 * (is_thing or not is_key) + is_key, -at, column.name))
        elif by_values and repeats and most == least >= 3 and _may_be_things(column):
            ranked.append((-1, -at, column.name))
    return max(ranked)[2] if ranked else None


def _may_be_things(column: Seen) -> bool:
    """Whether many values, each with the same number of rows, may be things that were measured several times."""
    is_time = words.holds(column.name, words.TIME_NAMES) or words.holds(column.name, words.ROUNDS)
    return FEWEST_GROUPS <= column.distinct == len(column.levels) and not is_time and not _is_year(column)
