"""Reading in one pass gives what the careful way gives, or an error after which the careful way is gone."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column
from mlspec.sources.csv import Csv

KINDS = ("integer", "number", "boolean", "date", "datetime", "category")
WHOLE = ["1", " 1", "1 ", "\t1", "+1", "-1", "01", '"1"', '" 1"', "0x1F", "1_000", "9223372036854775808"]
REAL = ["1.0", "1e3", ".5", "5.", "nan", "inf", "Infinity", "1e400", "2.2250738585072011e-308", "123456789012345678.9"]
WORDS = ['""', "-", "+", "\u0661", "true", "TRUE", "yes", "t", "NULL"]
DATES = ["2024-01-01", "2024/01/02", "2024-13-01", "2024-01-01 10:00:00", "2024-01-01T10:00", "2024-01-01T10:00:00Z"]
ODD = [*WHOLE, *REAL, *WORDS, *DATES]
PLAIN = {"integer": "7", "number": "7.5", "boolean": "no", "date": "2023-01-01", "datetime": "2023-01-01 00:00:00"}


CELLS = st.sampled_from(ODD) | st.floats().map(repr) | st.integers().map(str)


@settings(deadline=None)
@given(kind=st.sampled_from(KINDS), cells=st.lists(CELLS, max_size=4))
@example(kind="integer", cells=[" 1"])
@example(kind="integer", cells=["2.5"])
def test_what_is_read_in_one_pass_is_what_the_careful_way_reads(
    kind: str, cells: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    lines = ["a,b", *(f"{cell},x" for cell in [PLAIN.get(kind, "v"), *cells])]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    source, columns = Csv(path="rows.csv"), (Column("a", kind), Column("b", "category"))  # type: ignore[arg-type]
    try:
        quick = source.quick(folder, columns)
        assert quick is not None
        found = quick.collect()
    except pl.exceptions.PolarsError:
        return
    careful = source.scan(folder, columns).collect()
    assert careful.schema == found.schema
    assert careful.equals(found)


def test_a_value_that_does_not_fit_is_refused_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\nlots\n")
    source, columns = Csv(path="rows.csv"), (Column("a", "integer"),)
    quick = source.quick(tmp_path, columns)
    assert quick is not None
    with pytest.raises(pl.exceptions.PolarsError):
        quick.collect()
    with pytest.raises(StepError, match="row 2 has 'lots'"):
        source.scan(tmp_path, columns)
