"""How rows are to be split: by time where they have one, by groups where a thing has several rows, else by chance."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from mlspec.draft import survival, words
from mlspec.draft.table import NUMBERS, TIMES, Given, Seen, Table
from mlspec.draft.task import Task

SMALL, FOLDS, FEWEST_MOMENTS, FEWEST_GROUPS, MOST_ROWS_EACH, CLOCK = 400, 5, 6, 8, 0.34, 100

Parts = Callable[[dict[str, Any]], "tuple[str, tuple[int, ...]] | None"]
"""What a split would come to: why it can't be (empty if it can), and the rows of its parts; None if unknown."""


Recurs = Callable[[str, str], bool | None]
"""Whether most values of a column have rows at several moments of another; None if unknown."""


class Split(NamedTuple):
    """The split as a spec states it, its reason, further lines, and folds for a small table."""

    stated: dict[str, Any]
    why: str
    lines: tuple[str, ...] = ()
    folds: int | None = None
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
    moment = given.time or (None if survival.pair(table) else _moment(columns))
    thing = given.group or _thing(columns, is_panel=moment is not None)
    if thing is not None and moment is not None and given.group is None and recurs(thing, moment) is False:
        thing = None
    lines: list[str] = []
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
    if by == "stratified":
        why = "each part has the same shares of the classes; " + why
    folds = _folds(table, task)
    return Split({"by": by, "test": 0.2, "validation": 0.1, "seed": 0}, why, tuple(lines), folds)


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


def _folds(table: Table, task: Task) -> int | None:
    """Folds for a small table whose classes all have enough rows for them."""
    if table.rows >= SMALL or table.rows < 4 * FOLDS:
        return None
    fewest = min((rows for _value, rows in task.classes), default=table.rows)
    return FOLDS if 0.7 * fewest >= FOLDS else None


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
    return column.type in NUMBERS and column.is_whole and named and 1800 <= least <= greatest <= 2100


def _thing(columns: Sequence[Seen], *, is_panel: bool) -> str | None:
    """The column that says which thing or person a row is about, if these have several rows."""
    ranked: list[tuple[int, int, str]] = []
    for at, column in enumerate(columns):
        found = words.parts(column.name)
        is_key = bool(found) and found[-1] in ("id", "uuid", "guid", "key", "code", "number", "no", "nr")
        named = bool(found) and (found[-1] in words.THINGS or (is_key and any(w in words.THINGS for w in found[:-1])))
        named |= is_key and (found[-1] == "id" or len(found) == 1) and column.distinct >= 20
        if not named or column.type not in ("integer", "category") or column.missing:
            continue
        counts = [level.rows for level in column.levels]
        most = max(counts, default=0)
        repeats = column.present >= 1.2 * column.distinct and most < MOST_ROWS_EACH * column.present
        is_even = is_panel and column.distinct >= 3 and most <= 3 * min(counts, default=0)
        # Few numbers may also say how many of a thing there are.
        if repeats and (is_even or column.distinct >= FEWEST_GROUPS):
            ranked.append((2 * (found[-1] in words.THINGS or not is_key) + is_key, -at, column.name))
    return max(ranked)[2] if ranked else None
