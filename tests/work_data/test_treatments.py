"""What becomes of personal columns: each treatment on cells that show what it does."""

import hashlib
import hmac
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import StepError
from mlspec.machine.environment import key_mark
from mlspec.steps.data.anonymize import same_keys, treated

KEY = "0123456789abcdef0123"
CASES: list[tuple[str, list[Any], list[Any], list[Any]]] = [
    ("category", ["mask", {"show": 4}], ["4111-1111", "12345", None], ["****1111", "****", None]),
    ("category", ["mask", {}], ["secret", None], ["****", None]),
    ("integer", ["mask", {"show": 2}], [12345, 7, None], ["****45", "****", None]),
    ("category", ["prefix", {"length": 2}], ["SW1A 1AA", "x", None], ["SW", "x", None]),
    ("integer", ["prefix", {"length": 3}], [90210, None], ["902", None]),
    (
        "integer",
        ["bins", {"edges": [30, 45]}],
        [29, 30, 44, 45, None],
        ["below 30", *["30 to 45"] * 2, "45 or more", None],
    ),
    ("date", ["truncate", {"to": "year"}], [date(1985, 8, 25), None], [date(1985, 1, 1), None]),
    ("datetime", ["truncate", {"to": "month"}], [datetime(1985, 8, 25, 3)], [date(1985, 8, 1)]),
    ("number", ["top_code", {"at_most": 10.0, "at_least": 1.0}], [0.5, 5.0, 99.0, None], [1.0, 5.0, 10.0, None]),
    ("integer", ["top_code", {"at_most": 10.0}], [5, 99], [5, 10]),
    ("number", ["round", {"to": 0.5}], [1.2, 1.3, None], [1.0, 1.5, None]),
    ("integer", ["round", {"to": 100.0}], [149, 151], [100, 200]),
    (
        "category",
        ["redact", {"also": ["C-[0-9]{4}"]}],
        [
            "Mrs. Lee (C-1234) rang from +44 20 7946 0958, mail lee@example.org",
            "paid with 4111 1111 1111 1111",
            "ok",
            None,
        ],
        [
            "[name with a title] ([redacted]) rang from [telephone number], mail [address of mail]",
            "paid with [card number]",
            "ok",
            None,
        ],
    ),
    ("integer", ["keep", {"reason": "It is needed."}], [1, None], [1, None]),
]
TYPES: dict[str, Any] = {
    "category": pl.String,
    "integer": pl.Int64,
    "number": pl.Float64,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
}


def done(kind: str, use: list[Any], cells: list[Any], *, new: bool = False) -> list[Any]:
    frame = pl.LazyFrame({"x": pl.Series(cells, dtype=TYPES[kind])}).with_columns(treated([["x", kind, use]], new=new))
    return frame.collect(engine="streaming")["x"].to_list()


@pytest.mark.parametrize(("kind", "use", "cells", "expected"), CASES, ids=[f"{c[1][0]}-{c[0]}" for c in CASES])
def test_what_is_left(kind: str, use: list[Any], cells: list[Any], expected: list[Any]) -> None:
    assert done(kind, use, cells) == expected
    assert done(kind, use, cells, new=True) == expected


def test_pseudonyms_are_keyed_and_equal_for_equal_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEOPLE_KEY", KEY)
    use = ["hash", {"key": "PEOPLE_KEY"}]
    one, other, again, none = done("category", use, ["ann", "bob", "ann", None])
    assert one == hmac.new(KEY.encode(), b"ann", hashlib.sha256).hexdigest()[:32] == again
    assert one != other
    assert none is None
    monkeypatch.setenv("PEOPLE_KEY", "another key, as long")
    assert done("category", use, ["ann"])[0] != one
    monkeypatch.delenv("PEOPLE_KEY")
    with pytest.raises(StepError, match=r"\$PEOPLE_KEY, which is not set"):
        done("category", use, ["ann"])


def test_another_key_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEOPLE_KEY", KEY)
    marks = {"PEOPLE_KEY": key_mark("PEOPLE_KEY")}
    same_keys(marks)
    monkeypatch.setenv("PEOPLE_KEY", "another key, as long")
    with pytest.raises(StepError, match="another key than the one the model was made with"):
        same_keys(marks)


def test_noise_is_for_the_data_alone_and_the_same_every_time() -> None:
    use = ["noise", {"scale": 10.0, "seed": 3}]
    cells = [float(index) for index in range(4_000)]
    noisy = done("number", use, cells)
    assert noisy == done("number", use, cells)
    added = pl.Series(noisy) - pl.Series(cells)
    assert abs(float(added.median() or 0)) < 1  # type: ignore[arg-type]
    assert 9 < float(added.abs().mean() or 0) < 11  # type: ignore[arg-type]
    assert done("number", use, cells, new=True) == cells
