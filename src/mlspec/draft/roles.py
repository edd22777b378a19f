"""What each column that is not the target is for: which identify rows, which say nothing, how others are prepared."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from mlspec.draft import words
from mlspec.draft.natures import is_constant, is_empty, is_index, is_text
from mlspec.draft.table import Because, Seen

ALMOST = 0.85
MANY_LEVELS, MOST_CODES, FEWEST_UNIQUE, NEARLY_UNIQUE = 50, 1_000, 30, 0.5
TEXT_WORDS, SHORT_WORDS = 1_000, 200


class Names(NamedTuple):
    """The columns that identify rows: the best of them, and others."""

    id: str | None
    others: tuple[Because, ...]


def nothing(columns: Sequence[Seen]) -> list[Because]:
    """Columns that say nothing."""
    found = [Because(c.name, "it has no values") for c in columns if is_empty(c)]
    found += [Because(c.name, "it has one value only") for c in columns if is_constant(c) and not is_empty(c)]
    return found


def names(columns: Sequence[Seen]) -> Names:
    """Which columns identify rows."""
    found = [column.name for column in columns if _is_name(column)]
    found.sort(key=lambda name: not words.ends_in(name, words.IDS))
    why = "each row has its own value: it identifies rows, and a model would memorise it"
    others = [Because(name, why) for name in found[1:]]
    nearly = [c for c in columns if c.name not in found and c.type == "integer" and words.ends_in(c.name, words.KEYS)]
    others += [
        Because(c.name, f"nearly every row has its own value ({c.distinct:,} values in {c.present:,} rows)")
        for c in nearly
        if c.distinct > max(FEWEST_UNIQUE, ALMOST * c.present)
    ]
    others += [Because(c.name, "it counts rows, from the first one again some times") for c in columns if _restarts(c)]
    return Names(found[0] if found else None, tuple(others))


def _restarts(column: Seen) -> bool:
    """Whether it is the number of a row in its part of the table, and no time."""
    is_time = words.holds(column.name, words.TIME_NAMES) or words.ends_in(column.name, words.YEARS)
    return column.restarts and words.ends_in(column.name, words.IDS) and not is_time


def _is_name(column: Seen) -> bool:
    if column.distinct < max(2, column.rows) or column.missing:
        return False
    parts = words.parts(column.name)
    if column.type == "number":
        return column.is_whole and bool(parts) and parts[-1] in words.IDS and column.rows >= 5
    if column.type not in ("integer", "category"):
        return False
    named = bool(parts) and (parts[-1] in words.IDS or parts[0] in ("id", "uuid", "row", "index"))
    if column.type == "integer":
        return (named or is_index(column)) and column.rows >= 5
    return (named and column.rows >= 5) or (
        column.distinct > FEWEST_UNIQUE and column.words < 4 and not is_text(column)
    )


class Preparation(NamedTuple):
    """How features are prepared: numbers that are codes, steps of single columns, and columns without a use."""

    codes: tuple[str, ...]
    steps: dict[str, tuple[list[Any], str]]
    drop: tuple[Because, ...]


def preparation(columns: Sequence[Seen], things: Collection[str]) -> Preparation:
    """The preparation of these features; ``things``: columns that say which thing a row is about."""
    codes, drop = [], []
    steps: dict[str, tuple[list[Any], str]] = {}
    for column in columns:
        if _is_key(column) and column.name not in things:
            drop.append(Because(column.name, f"it names {column.distinct:,} things: new rows may have others"))
            continue
        if column.type == "integer" and _is_code(column, column.name in things):
            codes.append(column.name)
        elif column.type != "category":
            continue
        if is_text(column):
            steps[column.name] = ([{"tf_idf": TEXT_WORDS}], f"text of {column.words:.0f} words: its frequent words")
        elif _is_nearly_unique(column):
            if column.words >= 2:
                steps[column.name] = ([{"tf_idf": SHORT_WORDS}], f"{column.distinct:,} different texts: their words")
            else:
                share = f"{column.distinct:,} values in {column.present:,} rows"
                drop.append(Because(column.name, f"nearly every row has its own value ({share})"))
        elif column.distinct > MANY_LEVELS:
            why = f"{column.distinct:,} levels: the mean of the target instead of a column for each"
            steps[column.name] = ([{"target_encode": 20}, {"scale": "standard"}], why)
    return Preparation(tuple(codes), steps, tuple(drop))


def _is_key(column: Seen) -> bool:
    """Whether it names things, of which there are many."""
    many = column.type in ("integer", "category") and column.distinct > MANY_LEVELS
    return many and words.ends_in(column.name, words.KEYS)


def _is_code(column: Seen, is_thing: bool) -> bool:
    """A number that is a name: its order means nothing."""
    if not 2 < column.distinct <= MOST_CODES or column.distinct > 0.2 * column.present:
        return False
    parts = words.parts(column.name)
    named = bool(parts) and (parts[-1] in words.CODES or (parts[-1] == "id" and len(parts) > 1))
    return (is_thing or named) and not words.ends_in(column.name, words.ORDERED)


def _is_nearly_unique(column: Seen) -> bool:
    return column.distinct > FEWEST_UNIQUE and column.distinct > NEARLY_UNIQUE * column.present
