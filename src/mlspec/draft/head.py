"""What the first values of a source show of its columns: all that there is where no data engine is installed."""

import statistics
from collections import Counter
from collections.abc import Mapping

from mlspec.draft.table import NUMBERS, TIMES, Level, Seen
from mlspec.plugins.base import Column, Schema

MOST_LEVELS, MOST_VALUES = 200, 200
SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def seen(columns: Schema, values: Mapping[str, tuple[tuple[str, ...], bool]]) -> tuple[Seen, ...]:
    """The columns, from their first values; missing ones are left out of these, and count as present."""
    return tuple(_column(column, *values.get(column.name, ((), False))) for column in columns)


def _column(column: Column, cells: tuple[str, ...], is_all: bool) -> Seen:
    counts = Counter(cells)
    common = counts.most_common(MOST_LEVELS)
    numbers = _numbers(cells) if column.type in NUMBERS else []
    texts = cells[:MOST_VALUES] if column.type == "category" else ()
    return Seen(
        name=column.name,
        type=column.type,
        rows=len(cells),
        distinct=len(counts),
        levels=tuple(Level(value, rows) for value, rows in common),
        values=tuple(list(counts)[:MOST_VALUES]),
        least=numbers[0] if numbers else None,
        greatest=numbers[-1] if numbers else None,
        quantiles=tuple(numbers[round(share * (len(numbers) - 1))] for share in SHARES) if numbers else (),
        is_whole=bool(numbers) and all(number.is_integer() for number in numbers),
        is_ordered=column.type in TIMES and list(cells) == sorted(cells),
        is_unique=len(counts) == len(cells) > 1,
        is_counted=column.type == "integer" and len(counts) == len(cells) == _reach(numbers),
        has_all_levels=is_all and len(counts) <= MOST_LEVELS,
        words=statistics.fmean(len(text.split()) for text in texts) if texts else 0.0,
        characters=statistics.fmean(map(len, texts)) if texts else 0.0,
    )


def _reach(numbers: list[float]) -> float:
    return numbers[-1] - numbers[0] + 1 if numbers else -1


def _numbers(cells: tuple[str, ...]) -> list[float]:
    found = []
    for cell in cells:
        try:
            number = float(cell)
        except ValueError:
            continue
        if abs(number) < float("inf"):
            found.append(number)
    return sorted(found)
