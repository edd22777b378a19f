"""Expectations that a profile suggests, as lines of a spec: wide enough not to cry at the next delivery, narrow enough
to notice when something broke."""

import json
import math
import re
from collections.abc import Collection, Iterator

from mlspec.report.facts.table_profile import ProfiledColumn, TableProfile

MOST_VALUES, MOST_LINES = 12, 30


def expectations(
    found: TableProfile, target: str, ids: Collection[str], hidden: Collection[str], gone: Collection[str] = ()
) -> list[str]:
    """The lines below ``expect:``, those of the target and of ids first. Values of ``hidden`` columns are not shown,
    and columns in ``gone`` are left out."""
    if not found.rows:
        return []
    least = _rounded(found.rows * 0.8, down=True)
    lines = [f"- {{rows: {{at_least: {least:.0f}}}}}  # {found.rows:,} now"]
    ordered = sorted(found.columns, key=lambda column: (column.name != target, column.name not in ids))
    for column in (column for column in ordered if column.name not in gone):
        text = list(_of(column, column.name in ids, column.name in hidden))
        if text:
            lines.append(f"- {{column: {_text(column.name)}, {', '.join(text)}}}")
    if found.balance and target not in hidden:
        share = math.floor(min(one.rows for one in found.balance) / found.rows * 50) / 100
        if share:
            lines.insert(2, f"- {{column: {_text(target)}, groups: {{share: {{at_least: {share:g}}}}}}}")
    return lines[:MOST_LINES]


def _of(column: ProfiledColumn, is_id: bool, is_hidden: bool) -> Iterator[str]:
    """What is to be expected of a column."""
    if is_id:
        yield "unique: true"
    # A column that is always there should stay so; one with gaps may get some more.
    most = 0.0 if not column.missing else min(1.0, math.ceil(column.missing * 150 + 1) / 100)
    if most < 1:
        yield f"missing: {{at_most: {most:g}}}"
    if is_id or is_hidden:
        return
    if column.quantiles:
        least, greatest = column.quantiles[0], column.quantiles[-1]
        reach = (greatest - least) or abs(greatest) or 1.0
        low = 0.0 if least >= 0 and least - reach / 4 < 0 else _rounded(least - reach / 4, down=True)
        yield f"between: [{low:.10g}, {_rounded(greatest + reach / 4):.10g}]"
    elif column.common and column.distinct <= len(column.common) and column.distinct <= MOST_VALUES:
        listed = sorted(one.value for one in column.common)
        text = [value if column.type == "boolean" else _text(value) for value in listed]
        yield f"allowed: [{', '.join(text)}]"


def _rounded(value: float, *, down: bool = False) -> float:
    """To two figures that count, away from what was seen."""
    if not value:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return (math.floor(value / step) if down else math.ceil(value / step)) * step


def _text(value: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_ ./-]*(?<! )", value)
    return value if plain and value.lower() not in ("true", "false", "null") else json.dumps(value, ensure_ascii=False)
