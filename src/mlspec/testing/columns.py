"""Columns of each type with missing cells, for the suites of what treats columns."""

import io
import math
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

COUNT = 60
DTYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "category": pl.String(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "image": pl.Binary(),
}
EXTREME: dict[str, list[Any]] = {
    "integer": [0, -1, 2**53, -(2**53), None],
    "number": [0.0, -0.0, 5e-324, -1e300, 1.7976931348623157e308, 3.5e38, math.inf, -math.inf, 0.1, 10007.3, None],
    "boolean": [True, False, None],
    "category": ["", "never seen", "(other)", "x" * 1000, "Ä", None],
    "date": [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31), None],
    "datetime": [datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59), datetime(9999, 12, 31, 23, 59, 59), None],
    "image": [],
}


def sample(kind: str, name: str = "x") -> pl.DataFrame:
    """COUNT cells of a type in a column of that name; every seventh is missing, but no image is."""
    made = {
        "integer": lambda i: i * 37 % 50 + 1,
        "number": lambda i: (i * 37 % 50) / 4 + 0.5,
        "boolean": lambda i: i % 3 == 0,
        "category": lambda i: f"{'abcd'[i * i % 4]}{i % 5} words",
        "date": lambda i: date(2020, 1, 1) + timedelta(days=i * 17),
        "datetime": lambda i: datetime(2020, 1, 1) + timedelta(hours=i * 171),
        "image": _image,
    }[kind]
    cells = [None if i % 7 == 3 and kind != "image" else made(i) for i in range(COUNT)]
    return pl.DataFrame({name: pl.Series(cells, dtype=DTYPES[kind])})


def fits(dtype: pl.DataType, kind: str) -> bool:
    """Whether cells of a dtype are those of a type of column."""
    if kind == "code":
        return dtype.is_integer()
    if kind == "array":
        return dtype.is_nested()
    if kind in ("integer", "number"):
        return dtype.is_numeric()
    return dtype == DTYPES[kind]


def _image(index: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), (index * 4, 255 - index * 4, index)).save(file, "PNG")
    return file.getvalue()
