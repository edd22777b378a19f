"""Expectations on what mlspec.lock has pinned, on real data with faults planted in it: each is found at its line and
only there, is renewed where that is meant, and tells nothing of columns that nobody may see."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.suites import later

from mlspec import api
from mlspec.engine.run.lockfile import read as read_lock

DIAMONDS = Path(__file__).parents[2] / "specs" / "diamonds-price" / "data" / "diamonds.csv.gz"
SPEC = """\
project: {name: stones}
data:
  sources: {stones: {path: stones.csv}}
  columns: {target: price, sensitive: [clarity]}
  expect:
    - {rows: {change: {at_most: 0.3}}}
    - {column: color, unseen: {at_most: 0.01}}
    - {column: depth, missing: {change: {at_most: 0.05}}}
    - {columns: [x, y, z], anomalies: {at_most: 0.005, reach: 1.5, together: 2}}
    - {column: x, anomalies: {at_most: 0.05, reach: 1.5}}
    - {column: clarity, missing: {change: {at_most: 0.05}}}
model: {candidates: {linear: {type: ridge}}}
backend: {engine: inline}
"""
FIRST = 6  # the line of the first expectation
Plant = Callable[[pl.DataFrame], pl.DataFrame]


def some(share: float) -> pl.Expr:
    """True for this share of the rows."""
    return pl.int_range(pl.len()) % 1000 < 1000 * share


def in_cells(name: str, value: pl.Expr, share: float) -> pl.Expr:
    """A column with other values in that share of its rows."""
    return pl.when(some(share)).then(value).otherwise(pl.col(name)).alias(name)


FAULTS: dict[str, tuple[Plant, int, str]] = {
    "fewer rows": (
        lambda rows: rows.head(2400),
        0,
        "2,400 rows, 40.00% fewer than the 4,000 that mlspec.lock has pinned",
    ),
    "another vocabulary": (
        lambda rows: rows.with_columns(in_cells("color", pl.col("color").str.to_lowercase(), 0.02)),
        1,
        "'color' has values in 2.00% of rows that no row had when mlspec.lock pinned them, ",
    ),
    "a sensor that fails": (
        lambda rows: rows.with_columns(in_cells("depth", pl.lit(None), 0.1)),
        2,
        "'depth' is missing in 10.00% of rows, in 0.00% when mlspec.lock pinned it, a change of at most 5.00% expected",
    ),
    "some rows in centimetres": (
        lambda rows: rows.with_columns(in_cells(name, pl.col(name) / 10, 0.02) for name in "xyz"),
        3,
        "of rows are outside the fences of 2 or more of 'x', 'y', 'z', at most 0.50% expected",
    ),
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Stones whose rows have been pinned."""
    stones().write_csv(tmp_path / "stones.csv")
    (tmp_path / "project.yaml").write_text(SPEC)
    assert api.run(tmp_path / "project.yaml").outcome in ("passed", "unknown")
    return tmp_path / "project.yaml"


def stones(count: int = 4000) -> pl.DataFrame:
    """So many diamonds, in an order of their own: those of the file are sorted by price."""
    every = pl.read_csv(DIAMONDS, infer_schema_length=None)
    order = (pl.int_range(pl.len()) * 7919) % every.height
    return every.sort(order).head(count)


@pytest.mark.parametrize("fault", later(FAULTS, lambda fault: fault != "fewer rows"))
def test_what_is_planted_is_found_at_its_line(fault: str, spec: Path) -> None:
    plant, index, told = FAULTS[fault]
    # Some stones more, none of them odd: nothing is found.
    stones(4400).write_csv(spec.parent / "stones.csv")
    assert not api.run(spec, only=["expect"]).failures
    plant(stones()).write_csv(spec.parent / "stones.csv")
    (failed,) = api.run(spec, only=["expect"]).failures
    assert told in failed.cause
    assert failed.cause.count("mlspec.lock") + failed.cause.count("beyond") <= 2, "nothing else is found"
    assert failed.place is not None
    assert failed.place.line == FIRST + index
    # What is outside the fences of most stones is odd, whatever has been pinned.
    accepted = api.run(spec, only=["expect"], fetching=api.Fetching(accept=True))
    assert bool(accepted.failures) == (fault == "some rows in centimetres")


@pytest.mark.slow
def test_what_is_pinned_stays_until_it_is_renewed(spec: Path) -> None:
    lock = spec.parent / "mlspec.lock"

    def pinned() -> dict[str, object]:
        found = read_lock(lock)
        assert found is not None
        return {name: spread.sketch for name, spread in found.spreads.items()}

    before = pinned()
    assert before.keys() == {":rows", "clarity:missing", "color:levels", "depth:missing", "x", "y", "z"}
    assert before[":rows"] == {"rows": 4000}
    assert before["color:levels"] == {"levels": list("DEFGHIJ")}
    assert before["clarity:missing"] == {"missing": 0.0}
    assert "VVS1" not in lock.read_text()
    stones().head(3600).write_csv(spec.parent / "stones.csv")
    assert api.run(spec).outcome in ("passed", "unknown")
    assert pinned() == before
    assert api.run(spec, fetching=api.Fetching(accept=True)).outcome in ("passed", "unknown")
    assert pinned()[":rows"] == {"rows": 3600}


def test_rows_beyond_the_fences_are_shown_without_what_nobody_may_see(tmp_path: Path) -> None:
    stones().with_columns(in_cells("x", pl.col("x") * 10, 0.02)).write_csv(tmp_path / "stones.csv")
    text = SPEC.replace("    - {column: clarity, missing: {change: {at_most: 0.05}}}\n", "")
    (tmp_path / "project.yaml").write_text(text.replace("at_most: 0.05, reach: 1.5", "reach: 1.5"))
    failed = api.run(tmp_path / "project.yaml", only=["expect"]).failures[0]
    assert "'x' has 2." in failed.cause
    assert failed.log is not None
    log = (tmp_path / failed.log).read_text()
    assert "clarity=•••" in log
    assert "color=" in log
    assert "VS" not in log
