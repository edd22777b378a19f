"""Rows that are made to find where two forms of a model differ: on thresholds of trees, missing, unseen, extreme."""

import datetime
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlspec.steps.serving.package_format import About

if TYPE_CHECKING:
    from mlspec.steps.serving.package import Seen
    from mlspec.steps.serving.to_onnx import Threshold

Row = dict[str, Any]
THRESHOLDS, MISSING = "rows on a threshold of a tree", "rows with a missing value"
LEVELS, EXTREMES = "rows with a rare or unseen category", "rows with an extreme value"
MOST_THRESHOLDS, MOST_LEVELS, MOST_GRID = 300, 100, 300  # of a feature, of a column, of a column's values
NEAR = 1e-9  # how far from a threshold a value is where the last digits of what is compared with it may differ
LARGEST_DOUBLE = 1.7e308
EXTREME: Mapping[str, Sequence[Any]] = {
    "integer": (0, 1, -1, 2**31, -(2**31), 2**53, -(2**53)),
    "number": (0.0, -0.0, 1.0, -1.0, 1e-300, 1e6, -1e6, 3e38, -3e38, 1e39, -1e39, 1e300, -1e300),
    "boolean": (True, False),
    "date": tuple(
        map(datetime.date.fromisoformat, ("1969-12-31", "2000-02-29", "1900-03-01", "0001-01-01", "9999-12-31"))
    ),
    "datetime": tuple(
        map(
            datetime.datetime.fromisoformat,
            ("1969-12-31 23:59:59", "2000-02-29 00:00", "0001-01-01", "9999-12-31 23:59:59"),
        )
    ),
}
DAYS = tuple(range(datetime.date(2023, 1, 1).toordinal(), datetime.date(2025, 1, 2).toordinal()))


def made(
    about: About, seen: "Mapping[str, Seen]", thresholds: "Sequence[Threshold]", rows: Sequence[Row]
) -> dict[str, list[Row]]:
    """Such rows by what they are: real ones with other values in one column, or in all of a kind."""
    kinds = dict(about.raw_columns())
    usual = itertools.cycle(rows[:: max(1, len(rows) // 50)] or [dict.fromkeys(kinds)])
    found: dict[str, list[Row]] = {THRESHOLDS: [], MISSING: [], LEVELS: [], EXTREMES: []}

    def put(kind: str, name: str, values: Iterable[Any]) -> None:
        found[kind] += [{**next(usual), name: value} for value in values]

    for name, values in _on_thresholds(kinds, thresholds, rows):
        put(THRESHOLDS, name, values)
    for name, kind in kinds.items():
        put(MISSING, name, [None] * 3)
        if kind == "category":
            known = sorted(seen[name].levels or ()) if name in seen else []
            put(LEVELS, name, [*known[:MOST_LEVELS], "never seen before", "", "(other)"])
        put(EXTREMES, name, EXTREME.get(kind, ()))
    texts = [name for name, kind in kinds.items() if kind == "category"]
    found[LEVELS] += [{**next(usual), **dict.fromkeys(texts, "never seen before")}] if texts else []
    found[MISSING] += [{**dict.fromkeys(kinds), name: next(usual)[name]} for name in kinds]
    return {kind: own for kind, own in found.items() if own}


def _on_thresholds(
    kinds: Mapping[str, str], thresholds: "Sequence[Threshold]", rows: Sequence[Row]
) -> Iterator[tuple[str, list[Any]]]:
    """By column, values on both sides of each threshold, as near as they can be."""
    import numpy as np

    from mlspec.steps.data import by_cell

    grouped: dict[tuple[int, int], list[Threshold]] = {}
    for one in thresholds:
        grouped.setdefault((id(one.entry), one.output), []).append(one)
    for own in grouped.values():
        entry, output = own[0].entry, own[0].output
        name = entry["name"]
        if kinds.get(name) not in ("integer", "number", "date", "datetime"):
            continue
        steps = by_cell.cells_of(entry)
        scale = _scale(kinds[name], [row[name] for row in rows])

        def feature(
            place: int, scale: "_Scale" = scale, steps: Any = steps, name: str = name, at: int = output
        ) -> float:
            cell = steps({name: scale.value(place)})[at]
            with np.errstate(over="ignore"):
                return float("nan") if cell is None else float(np.float32(cell))

        grid = [(place, feature(place)) for place in scale.grid]
        values: list[Any] = []
        for one in own[:: max(1, len(own) // MOST_THRESHOLDS)]:
            values += _around(one, grid, feature, scale)
            if not entry["stages"] and kinds[name] == "number":
                values += [one.value, float(np.float32(one.value))]
        yield name, values


def _around(
    one: "Threshold", grid: Sequence[tuple[int, float]], feature: Callable[[int], float], scale: "_Scale"
) -> Iterator[Any]:
    """Neighbours among the values of a column of which one is at most the threshold and the other is not, twice at
    most."""
    flips = ((low, high) for low, high in itertools.pairwise(grid) if (low[1] <= one.value) != (high[1] <= one.value))
    for (low, first), (high, _) in itertools.islice(flips, 2):
        side = first <= one.value
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if (feature(middle) <= one.value) == side else (low, middle)
        for place, away in ((low, -1), (high, 1)):
            value = scale.value(place)
            yield value if one.exact or not isinstance(value, float) else value + away * NEAR * max(abs(value), NEAR)


class _Scale:
    """The values of a column as integers in their order, and a grid of some of them."""

    def __init__(self, value: Callable[[int], Any], grid: Sequence[int]) -> None:
        self.value, self.grid = value, grid


def _scale(kind: str, cells: Iterable[Any]) -> _Scale:
    known = sorted({cell for cell in cells if cell is not None and cell == cell})
    known = known[:: max(1, len(known) // MOST_GRID)]
    if kind == "integer":
        ends = (-(2**53), 2**53)
        return _Scale(lambda place: place, sorted({*known, *ends}))
    if kind == "number":
        places = {_ordered(float(cell)) for cell in (*known, -LARGEST_DOUBLE, -0.0, 0.0, LARGEST_DOUBLE)}
        return _Scale(_double, sorted(places))
    days = sorted({*DAYS, *(cell.toordinal() for cell in known)})
    if kind == "date":
        return _Scale(datetime.date.fromordinal, days)
    second = datetime.timedelta(seconds=1)
    start = datetime.datetime.min
    return _Scale(lambda place: start + place * second, [86_400 * (day - 1) for day in days])


def _ordered(number: float) -> int:
    """Doubles as integers in the same order."""
    (bits,) = struct.unpack("<q", struct.pack("<d", number))
    return int(bits) if bits >= 0 else -(int(bits) & 0x7FFF_FFFF_FFFF_FFFF) - 1


def _double(place: int) -> float:
    bits = place if place >= 0 else (-place - 1) | -0x8000_0000_0000_0000
    (number,) = struct.unpack("<d", struct.pack("<q", bits))
    return float(number)
