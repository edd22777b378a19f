"""What a table is expected to hold: bounds for the next delivery, which the rows at hand keep.

Ranges and shares only warn: what is outside them may be right. What would make results wrong is an error.
"""

import math
from collections.abc import Collection
from typing import Any

from mlspec.draft.natures import is_constant, is_empty
from mlspec.draft.table import NUMBERS, Seen, Table

MOST_VALUES, MOST_LINES, LARGEST = 12, 30, 1e300


def proposed(
    table: Table, target: Seen, names: Collection[str], hidden: Collection[str], gone: Collection[str]
) -> "tuple[list[tuple[dict[str, Any], str]], int]":
    """Expectations, each with its comment, the target first; and how many columns have none because there are enough.

    ``names``: columns that identify rows; values of ``hidden`` columns are not shown; ``gone`` ones are left out.
    """
    if not table.rows:
        return [], 0
    least = _rounded(table.rows * 0.8, down=True)
    found: list[tuple[dict[str, Any], str]] = [({"rows": {"at_least": round(least)}}, f"{table.rows:,} now")]
    found += _of_target(target, is_hidden=target.name in hidden)
    left = 0
    for column in sorted(table.columns, key=lambda column: column.name not in names):
        if column.name == target.name or column.name in gone or column.type in ("image", "array"):
            continue
        asked = _of(column, is_id=column.name in names, is_hidden=column.name in hidden)
        if asked and len(found) >= MOST_LINES:
            left += 1
        elif asked:
            found.append(({"column": column.name, **asked}, ""))
    return found, left


def _of_target(target: Seen, *, is_hidden: bool) -> "list[tuple[dict[str, Any], str]]":
    asked: dict[str, Any] = {} if target.missing else {"missing": {"at_most": 0}}
    if _has_few(target) and not is_hidden:
        asked["allowed"] = _listed(target)
    found: list[tuple[dict[str, Any], str]] = []
    if asked:
        found.append(({"column": target.name, **asked}, ""))
    if target.missing:
        most = _missing(target)
        about = f"{target.missing / max(target.rows, 1):.1%} of the rows have none: they are left out"
        found.append(({"column": target.name, "missing": {"at_most": most}, "severity": "warn"}, about))
    if target.type in NUMBERS and _is_bounded(target) and not is_hidden and "allowed" not in asked:
        found.append(({"column": target.name, "between": _range(target), "severity": "warn"}, ""))
    return found


def _of(column: Seen, *, is_id: bool, is_hidden: bool) -> dict[str, Any]:
    """What is to be expected of a column; nothing of one that says nothing."""
    if is_id:
        return {"unique": True} if column.is_unique else {}
    if is_empty(column) or is_constant(column):
        return {}
    asked: dict[str, Any] = {}
    most = _missing(column)
    if most < 1:
        asked["missing"] = {"at_most": most}
    if not is_hidden and _has_few(column) and column.type in ("category", "boolean"):
        asked["allowed"] = _listed(column)
    elif not is_hidden and column.type in NUMBERS and _is_bounded(column):
        asked["between"] = _range(column)
    return {**asked, "severity": "warn"} if asked else {}


def _is_bounded(column: Seen) -> bool:
    """Whether a range can be stated: two ends that are far from what a number can hold."""
    ends = (column.least, column.greatest)
    return all(end is not None and abs(end) < LARGEST for end in ends) and column.least != column.greatest


def _missing(column: Seen) -> float:
    """A column that is always there should stay so; one with gaps may get some more."""
    share = column.missing / max(column.rows, 1)
    return 0 if not column.missing else min(1.0, math.ceil(share * 150 + 1) / 100)


def _has_few(column: Seen) -> bool:
    few = 0 < column.distinct <= MOST_VALUES and column.has_all_levels and len(column.levels) == column.distinct
    return few and column.type in ("category", "boolean", "integer")


def _listed(column: Seen) -> list[Any]:
    values = [level.value for level in column.levels]
    if column.type == "boolean":
        return sorted(value == "true" for value in values)
    return sorted(map(int, values)) if column.type == "integer" else sorted(values)


def _range(column: Seen) -> list[float | int]:
    least, greatest = column.least or 0.0, column.greatest or 0.0
    reach = (greatest - least) or abs(greatest) or 1.0
    low = 0.0 if least >= 0 and least - reach / 4 < 0 else _rounded(least - reach / 4, down=True)
    return [_plain(low), _plain(_rounded(greatest + reach / 4))]


def _plain(value: float) -> float | int:
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.6g}")


def _rounded(value: float, *, down: bool = False) -> float:
    """To two figures that count, away from what was seen."""
    if not value:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return (math.floor(value / step) if down else math.ceil(value / step)) * step
