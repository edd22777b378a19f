"""What a database filters itself leaves the same rows as filtering here."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlspec import api
from mlspec.plugins.source import Condition, Wanted
from mlspec.sources import _databases
from mlspec.spec.pushed import conditions

from .conftest import SECRET, Postgres

NAN, TINY = float("nan"), 0.1
ROWS = [
    (i, a, x, x, t, f"2024-01-{i % 28 + 1:02}")
    for i, (a, x, t) in enumerate(
        (a, x, t)
        for a in (None, -3, 0, 5, 2**53 + 1, -(2**62))
        for x in (None, -1.5, 0.0, TINY, 16777217.0, 1e300)
        for t in (None, "a", "B", "")
    )
]
COLUMNS = ("i", "a", "x", "y", "t", "d")
TYPES = "i BIGINT, a BIGINT, x DOUBLE PRECISION, y REAL, t TEXT, d DATE"
Read = Callable[[Wanted], pl.DataFrame]


def values() -> str:
    shown = {None: "NULL"}
    return ", ".join(
        "(" + ", ".join(shown.get(v, f"'{v}'" if isinstance(v, str) else repr(v)) for v in row) + ")" for row in ROWS
    ).replace("1e+300", "NULL")


@pytest.fixture(scope="module", params=["sqlite", "duckdb"])
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Read:
    file = tmp_path_factory.mktemp("pushed") / "rows.db"
    statements = [f"CREATE TABLE rows ({TYPES})", f"INSERT INTO rows VALUES {values()}"]
    if request.param == "sqlite":
        with sqlite3.connect(file) as database:
            for statement in statements:
                database.execute(statement)
        database.close()
        return lambda wanted: _databases.sqlite(file, "rows", wanted)[0]
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(file)) as database:
        for statement in (*statements, "UPDATE rows SET x = 'NaN', y = 'NaN' WHERE i % 7 = 3"):
            database.execute(statement)
    return lambda wanted: _databases.duckdb(file, "rows", wanted)[0]


def here(rows: pl.DataFrame, text: str) -> pl.DataFrame:
    """The rows as the source's step reads them, filtered as the engine filters."""
    typed = rows.lazy().with_columns(pl.col("x", "y").cast(pl.Float64).fill_nan(None), pl.col("d").cast(pl.String))
    return typed.filter(pl.sql_expr(text)).sort("i").collect()


def same(read: Read, text: str) -> None:
    pushed = read(Wanted(where=conditions(text, COLUMNS)))
    assert here(pushed, text).equals(here(read(Wanted()), text)), text


number = st.sampled_from(["0", "5", "-3", "0.1", "-1.5", "16777217", "16777216.0", "1e3", "9007199254740991"])
column = st.sampled_from(["i", "a", "x", "y", '"a"'])
part = st.one_of(
    st.builds("{} {} {}".format, column, st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="]), number),
    st.builds("{} {} {}".format, number, st.sampled_from(["=", "<", ">="]), column),
    st.builds("{} {} {} AND {}".format, column, st.sampled_from(["BETWEEN", "not between"]), number, number),
    st.builds("{} {} ({}, {})".format, column, st.sampled_from(["IN", "NOT IN"]), number, number),
    st.builds("{} IS {}".format, st.sampled_from([*COLUMNS, '"t"']), st.sampled_from(["NULL", "NOT NULL"])),
    st.sampled_from(["t = 'b'", "t > 'A'", "(a > 1 OR x < 2)", "NOT a > 1", "CASE WHEN a > 1 THEN x ELSE 1 END > 0"]),
    st.sampled_from(["a + 1 > 3", "a > i", "ABS(a) BETWEEN 1 AND i"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.lists(part, min_size=1, max_size=4).map(" AND ".join))
def test_the_same_rows_are_left(read: Read, text: str) -> None:
    same(read, text)


def test_the_same_rows_are_left_by_a_server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSPEC_TEST_PASSWORD", SECRET)
    from mlspec.sources import _secrets

    postgres.run(
        f"DROP TABLE IF EXISTS pushed; CREATE TABLE pushed ({TYPES}); INSERT INTO pushed VALUES {values()};"
        "UPDATE pushed SET x = 'NaN', y = 'NaN' WHERE i % 7 = 3;"
    )
    uri = _secrets.filled(postgres.connection)
    for text in (
        *("a > 0 AND x < 0.1", "y >= 0.1 AND a IS NOT NULL", "y < 16777217", "x IS NULL", "x IS NOT NULL AND y <> 0"),
        *("a NOT IN (5, -3)", "x NOT BETWEEN -1.5 AND 0.1", "t IS NULL AND d IS NOT NULL", "a = 5.0 AND i <= 60"),
    ):
        same(lambda wanted: _databases.postgresql(uri, "pushed", wanted)[0], text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a > 1 AND x BETWEEN -1 AND 2.5", [("a", ">", ("1",)), ("x", "BETWEEN", ("-1", "2.5"))]),
        ("3 >= a AND t = 'x' AND i IN (1, -2)", [("a", "<=", ("3",)), ("i", "IN", ("1", "-2"))]),
        ("a > 1 OR x > 2", []),
        ("a > 1 AND (x > 2 OR t IS NULL)", [("a", ">", ("1",))]),
        ("a > 9007199254740992 AND a > i AND NOT a > 1 AND a IS NOT NULL", [("a", "IS NOT NULL", ())]),
        ("CASE WHEN a > 1 AND x > 1 THEN TRUE END AND a < 4", [("a", "<", ("4",))]),
        ("other > 1 AND a IN (1, NULL) AND a IN (1, 2", []),
    ],
)
def test_which_parts_a_database_may_carry_out(text: str, found: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert conditions(text, COLUMNS) == tuple(Condition(*one) for one in found)


@pytest.mark.slow
def test_a_run_fetches_what_the_filter_leaves_and_again_when_it_changes(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "people.db") as database:
        database.execute("CREATE TABLE people (age INTEGER, town TEXT, income TEXT)")
        rows = [(i, f"t{i % 3}", ["low", "high"][i % 2]) for i in range(100)]
        database.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)
    database.close()
    spec = tmp_path / "project.yaml"

    def fetched(text: str, more: str = "") -> tuple[int, str]:
        spec.write_text(
            "project: {name: small}\n"
            "data:\n"
            f"  sources: {{people: {{connection: 'sqlite:people.db', table: people{more}}}}}\n"
            "  columns: {target: income}\n"
            f"  filter: {text}\n"
            "model: {candidates: {one: {type: logistic_regression}}}\n"
            "backend: {engine: inline}\n"
        )
        told: list[str] = []
        run = api.run(spec, only=["combine.people"], fetching=api.Fetching(tell=told.append))
        assert run.failures == ()
        rows = pl.read_parquet(tmp_path / ".mlspec/store/objects" / run.steps[-1].outputs["table"])
        return rows.height, told[0].partition(":")[2].strip()

    assert fetched("age >= 40 AND town <> 't1'") == (40, "60 rows from table people of sqlite:people.db")
    assert fetched("age >= 40 AND town <> 't2'") == (40, "unchanged")
    assert fetched("age >= 50 AND town <> 't2'")[1].startswith("50 rows")
    # Where rows that are left out count for something, all are fetched.
    assert fetched("age >= 60", ", minimum_rows: 70")[1].startswith("100 rows")
