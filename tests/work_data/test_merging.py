"""Statistics of parts: however rows are divided, and in whatever order the parts come, those of all rows."""

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec import registry
from mlspec.plugins.base import Column
from mlspec.plugins.transform import Merging, Transform
from mlspec.steps.data import exact_sums, merging

ROWS = 200
# Settings of every transform that merges something, for the columns that they are given.
MERGED: list[tuple[str, dict[str, Any], str]] = [
    ("scale", {"method": "standard"}, "number"),
    ("scale", {"method": "minmax"}, "number"),
    ("impute", {"strategy": "mean"}, "number"),
    ("impute", {"strategy": "most_frequent"}, "category"),
    ("impute", {"strategy": "median"}, "boolean"),
    ("encode", {}, "category"),
    ("group_rare", {"min_count": 30}, "category"),
    ("tf_idf", {"words": 9, "ngrams": 2}, "category"),
]


def rows() -> pl.DataFrame:
    draw = np.random.Generator(np.random.PCG64(1))
    frame = pl.DataFrame(
        {
            "number": draw.normal(1e6, 1e-3, ROWS) * 10.0 ** draw.integers(-8, 8, ROWS),
            "category": draw.choice(["red wine", "white wine", "Wine", "no", "beer no"], ROWS),
            "boolean": draw.random(ROWS) < 0.5,
        }
    )
    holes = pl.Series(draw.random(ROWS) < 0.1)
    return frame.with_columns(pl.when(holes).then(None).otherwise(pl.all()).name.keep())


def divided(frame: pl.DataFrame, seed: int) -> list[pl.DataFrame]:
    """The rows in parts of any length, empty ones among them, in any order."""
    draw = np.random.Generator(np.random.PCG64(seed))
    cuts = np.sort(draw.integers(0, ROWS + 1, 6))
    parts = [frame[int(a) : int(b)] for a, b in zip([0, *cuts], [*cuts, ROWS], strict=True)]
    return [parts[i] for i in draw.permutation(len(parts))]


def merged(parts: list[pl.DataFrame], how: Merging) -> Any:
    total = None
    for part in parts:
        measured = part.select(merging.measure(how).alias("it"))["it"][0]
        total = merging.added(how, total, json.loads(json.dumps(merging.written(how, measured))))
    return merging.finished(how, total)


@pytest.mark.parametrize(("name", "settings", "kind"), MERGED, ids=lambda one: str(one))
def test_any_parts_in_any_order_fit_the_state_of_all_rows(name: str, settings: dict[str, Any], kind: Any) -> None:
    make: Callable[..., Transform] = registry.plugin("transforms", name)  # type: ignore[assignment]
    step, column, frame = make(**settings), Column(kind, kind), rows()
    merges = step.merging(column)
    asked = frame.select([e.alias(key) for key, e in step.statistics(column).items()]).row(0, named=True)
    assert merges.keys() == asked.keys()
    whole = step.fit(column, asked)
    found = [
        step.fit(column, {key: merged(parts, how) for key, how in merges.items()})
        for parts in ([frame], *(divided(frame, seed) for seed in range(5)))
    ]
    assert all(state == found[0] for state in found)
    if any(how.how in merging.EXACT for how in merges.values()):
        assert found[0] == pytest.approx(whole, rel=1e-13)
    else:
        assert found[0] == whole


def test_sums_are_exact_from_the_smallest_number_to_the_largest() -> None:
    draw = np.random.Generator(np.random.PCG64(2))
    values = 10.0 ** draw.uniform(-320, 308, 500) * draw.choice([-1.0, 1.0], 500)
    values = np.concatenate([values, [0.0, -0.0, 5e-324, 1.7976931348623157e308]])
    found = exact_sums.moments(values)
    assert Fraction(found.sum, 1 << exact_sums.UNIT) == sum(map(Fraction, values))
    assert Fraction(found.squares, 1 << (2 * exact_sums.UNIT)) == sum(Fraction(value) ** 2 for value in values)
    assert exact_sums.read(json.loads(json.dumps(found.written()))) == found


def test_what_is_not_finite_is_not_hidden_by_what_is() -> None:
    found = exact_sums.moments(np.array([1.0, np.inf])).plus(exact_sums.moments(np.array([2.0])))
    assert np.isnan(found.mean() or 0.0)
    assert np.isnan(found.deviation() or 0.0)
    assert exact_sums.Moments().mean() is None
    assert exact_sums.moments(np.full(9, 0.1)).deviation() == 0.0
