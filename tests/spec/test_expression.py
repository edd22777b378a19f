"""Expressions: typed without an engine as the engine types them, and mistakes found where they stand."""

import datetime as dt

import polars as pl
import pytest

from mlspec.sources import _cast
from mlspec.spec.expression import ExpressionError, typed

FRAME = pl.DataFrame(
    {
        "i": [1, 2, None],
        "j": [3, 4, 5],
        "x": [1.5, None, 2.0],
        "t": ["ab", "c", None],
        "b": [True, False, None],
        "d": [dt.date(2024, 1, 2)] * 3,
        "m": [dt.datetime(2024, 1, 2, 3, 4, 5)] * 3,
        "two words": [1, 2, 3],
    }
)
COLUMNS = {c.name: str(c.type) for c in _cast.from_polars(FRAME.schema)}
RIGHT = """
i + j|i / j|i % j|i * x|-i|ABS(i)|ROUND(x, 1)|ROUND(i)|FLOOR(x)|CEIL(i)|LN(i)|LOG10(x)|EXP(i)|SQRT(j)|1.5|'it''s'
COALESCE(i, j)|COALESCE(x, i)|NULLIF(i, 2)|GREATEST(i, x)|LEAST(i, j, 7)|LOWER(t)|UPPER(t)|TRIM(t)|LENGTH(t)
SUBSTR(t, 1, 1)|STARTS_WITH(t, 'a')|ENDS_WITH(t, 'b')|t || 'x'|t LIKE 'a%'|t NOT IN ('a', 'b')|i IN (1, 2)
i BETWEEN 1 AND 2|i IS NOT NULL|NOT b|b AND i > 1 OR x <= 2|i <> 2|CASE WHEN i > 1 THEN 'x' ELSE t END|"two words" + 1
CASE WHEN b THEN 1 ELSE x END|CASE WHEN b THEN 1 END|CAST(i AS DOUBLE)|CAST(x AS INTEGER)|CAST(i AS VARCHAR)
EXTRACT(YEAR FROM d)|EXTRACT(HOUR FROM m)|d > DATE '2024-01-01'|m >= TIMESTAMP '2024-01-01 00:00:00'|CAST(m AS DATE)
"""


@pytest.mark.parametrize("text", [one for line in RIGHT.strip().splitlines() for one in line.split("|") if one])
def test_it_is_typed_as_the_engine_types_it(text: str) -> None:
    given = FRAME.lazy().select(pl.sql_expr(text).alias("result")).collect_schema()
    assert typed(text, COLUMNS).kind == _cast.from_polars(given)[0].type


WRONG = {
    "ii + 1": ("there is no column 'ii', did you mean 'i'?", "ii"),
    "t + 1": ("'+' takes an integer or a number, but this is a category", "t"),
    "i > t": ("compared: an integer and a category cannot be combined", "i > t"),
    "i AND b": ("AND takes a boolean, but this is an integer", "i"),
    "LOWR(t)": ("there is no function LOWR, did you mean LOWER?", "LOWR"),
    "LN(t)": ("LN takes an integer or a number, but this is a category", "t"),
    "NULLIF(i)": ("NULLIF takes 2 values, here is 1", "NULLIF(i)"),
    "(i + 1": ("')' is expected before the end", ""),
    "i +": ("a value is expected at the end", ""),
    "i ; DROP": ("';' is not valid here", ";"),
    "SELECT i": ("there is no column 'SELECT'", "SELECT"),
    "CASE WHEN i THEN 1 END": ("WHEN takes a boolean, but this is an integer", "i"),
    "CAST(i AS MONEY)": ("CAST has no type 'MONEY'", "MONEY"),
    "(" * 100 + "i" + ")" * 100: ("nested too deeply", "("),
    "i" * 5_000: ("longer than 4,000 characters", "i"),
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_mistake_is_reported_where_it_stands(text: str) -> None:
    message, where = WRONG[text]
    with pytest.raises(ExpressionError) as caught:
        typed(text, COLUMNS)
    assert message in caught.value.message
    assert text[caught.value.start : caught.value.end] == where


def test_deep_nesting_is_refused_at_once() -> None:
    for text in ("NOT " * 900 + "b", "-" * 3_000 + "i", "(" * 3_999):
        with pytest.raises(ExpressionError):
            typed(text, COLUMNS)
