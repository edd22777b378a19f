"""Sources that are fetched: the same rows from databases, addresses and functions, pinned by content; and what is said
when one is unavailable."""

import os
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from mlspec import api
from mlspec.api.keeping import collect
from mlspec.diagnostics import SourceError, SpecError, render
from mlspec.engine.run.lockfile import read as read_lock
from mlspec.store.store import Store

from .conftest import SECRET, Postgres, Web, free_port

ROWS = [
    (i, 20 + i % 50, f"town {i % 3}", f"2024-01-{i % 28 + 1:02}", ["low", "high"][i * 7 % 5 > 1]) for i in range(60)
]
NAMES = ("id", "age", "town", "seen", "income")
FRAME = pl.DataFrame(ROWS, schema=list(NAMES), orient="row").with_columns(pl.col("seen").str.to_date())
SPEC = """\
project: {{name: small}}
data:
  sources:
    people: {{{source}}}
  columns: {{target: income, id: id, drop: [town]}}
model: {{candidates: {{one: {{type: logistic_regression}}}}}}
backend: {{engine: inline}}
"""
FUNCTION = """
import polars as pl

def people(rows):
    open("people.csv").close()
    frame = pl.read_csv("people.csv", try_parse_dates=True)
    for at in range(0, rows, 25):
        yield frame.slice(at, 25)

def hang():
    import time
    time.sleep(60)
"""


def spec(folder: Path, source: str) -> Path:
    """A spec with one source."""
    path = folder / "project.yaml"
    path.write_text(SPEC.format(source=source))
    return path


def fetch(path: Path, **how: bool) -> "tuple[pl.DataFrame, list[str]]":
    """The table that the source's step gives, and what was reported on the way."""
    told: list[str] = []
    run = api.run(path, only=["source.people"], fetching=api.Fetching(tell=told.append, **how))
    assert not run.failures, run.failures
    digest = run.steps[0].outputs["table"]
    return pl.read_parquet(Store(path.parent / ".mlspec/store").path(digest)), told


def refused(path: Path, **how: bool) -> str:
    """What is said if the source is unavailable."""
    with pytest.raises(SourceError) as caught:
        fetch(path, **how)
    return render(caught.value.diagnostics, caught.value.texts)


def sqlite_file(path: Path) -> None:
    """The rows as a SQLite database."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (id INTEGER, age INTEGER, town TEXT, seen DATE, income TEXT)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", ROWS)
    database.close()


def duckdb_file(path: Path) -> None:
    """The rows as a DuckDB database."""
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE people (id INTEGER, age INTEGER, town TEXT, seen DATE, income TEXT)")
        database.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", ROWS)


def fill(postgres: Postgres, rows: list[tuple[object, ...]], name: str = "people") -> None:
    """The rows as a table of the server."""
    values = ", ".join(str(row) for row in rows)
    postgres.run(
        f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} (id INT, age INT, town TEXT, seen DATE, income TEXT);"
        f"INSERT INTO {name} VALUES {values};"
    )


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_embedded_databases(kind: str, tmp_path: Path) -> None:
    {"sqlite": sqlite_file, "duckdb": duckdb_file}[kind](tmp_path / "people.db")
    path = spec(tmp_path, f"connection: '{kind}:people.db', table: people")
    if kind == "sqlite":
        assert api.validate(path).facts.target_levels == ("high", "low")
    rows, told = fetch(path)
    assert rows.equals(FRAME.drop("town"))
    assert told == [f"people: 60 rows from table people of {kind}:people.db"]
    # The column that nothing reads was not fetched, and is known all the same.
    snapshot = api.validate(path).facts.snapshots["people"]
    assert "town" not in pl.read_parquet_schema(tmp_path / snapshot.file)
    assert snapshot.columns["town"] == "category"
    assert fetch(path)[1] == ["people: unchanged"]
    asked = spec(tmp_path, f"connection: '{kind}:people.db', query: 'SELECT * FROM people WHERE age < 30 ORDER BY id;'")
    assert fetch(asked)[0]["age"].to_list() == [age for _id, age, *_rest in ROWS if age < 30]


@pytest.mark.slow
def test_a_snapshot_is_compressed_as_stated_and_stays_the_same_rows(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    sizes, tables = {}, set()
    for how in ("zstd", "lz4", "none"):
        shutil.rmtree(tmp_path / ".mlspec", ignore_errors=True)
        path = spec(tmp_path, "connection: 'sqlite:people.db', table: people")
        path.write_text(path.read_text() + f"storage: {{snapshots: {{compression: {how}}}}}\n")
        run = api.run(path, only=["source.people"])
        tables.add(run.steps[0].outputs["table"])
        (kept,) = (tmp_path / ".mlspec" / "snapshots" / "people").glob("*.parquet")
        sizes[how] = kept.stat().st_size
        run = api.run(path, only=["source.people"])
        assert run.steps[0].action == "cached"
    assert len(tables) == 1
    assert len(set(sizes.values())) == 3
    assert max(sizes, key=lambda how: sizes[how]) == "none"


@pytest.mark.slow
def test_a_snapshot_in_another_format_is_the_same_rows(tmp_path: Path) -> None:
    """Parquet, then Arrow, then Parquet that was kept: one digest, one table, nothing that reads it runs again."""
    sqlite_file(tmp_path / "people.db")
    path = spec(tmp_path, "connection: 'sqlite:people.db', table: people, on_change: fail")
    text, folder = path.read_text(), tmp_path / ".mlspec" / "snapshots" / "people"
    tables, digests = set(), set()
    for settings, suffix in (
        ("{compression: none}", ".parquet"),
        *((f"{{format: arrow, compression: {how}}}", ".arrow") for how in ("none", "lz4", "zstd")),
        ("{}", ".parquet"),
    ):
        path.write_text(text + f"storage: {{snapshots: {settings}}}\n")
        (folder / "latest.json").unlink(missing_ok=True)  # so that it is fetched once more
        run = api.run(path, only=["split"])
        assert not run.failures
        actions = {step.id: step.action for step in run.steps}
        assert actions["split"] == ("cached" if tables else "ran")
        snapshot = api.validate(path).facts.snapshots["people"]
        kept = tmp_path / snapshot.file
        assert (kept.suffix, snapshot.format) == (suffix, suffix.removeprefix("."))
        tables.add(next(step for step in run.steps if step.id == "source.people").outputs["table"])
        digests.add(snapshot.digest)
        again = api.run(path, only=["split"], fetching=api.Fetching(offline=True))
        assert {step.action for step in again.steps} == {"cached"}
    assert len(tables) == len(digests) == 1
    assert {file.suffix for file in folder.iterdir()} == {".json", ".parquet", ".arrow"}


@pytest.mark.slow
def test_an_arrow_snapshot_is_pinned_verified_and_removed_as_any(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    source = "connection: 'sqlite:people.db', table: people, on_change: fail"
    path = spec(tmp_path, source)
    text = path.read_text() + "storage: {snapshots: {keep: 1, format: %s}}\n"
    path.write_text(text % "arrow")
    assert api.run(path).outcome in ("passed", "unknown")
    (name,) = read_lock(tmp_path / "mlspec.lock").sources["people"].files  # type: ignore[union-attr]
    assert name.endswith(".arrow")
    # A clone knows the rows from the lock; fetched as Parquet they are what it has pinned.
    shutil.rmtree(tmp_path / ".mlspec")
    assert api.validate(path).facts.snapshots["people"].format == "arrow"
    path.write_text(text % "parquet")
    run = api.run(path)
    assert run.outcome in ("passed", "unknown")
    kept = tmp_path / ".mlspec" / "snapshots" / "people"
    assert [file.suffix for file in kept.iterdir() if file.suffix != ".json"] == [".parquet"]
    # Others take its place, and only they stay once they are pinned.
    path.write_text((text % "arrow").replace("on_change: fail", "on_change: accept"))
    with sqlite3.connect(tmp_path / "people.db") as database:
        database.execute("DELETE FROM people WHERE id = 7")
    database.close()
    assert api.run(path).outcome in ("passed", "unknown")
    collect(path)
    (last,) = (file for file in kept.iterdir() if file.suffix != ".json")
    assert last.suffix == ".arrow"
    # What lies there is not what was planned.
    pl.read_ipc(last.read_bytes()).reverse().write_ipc(last)
    shutil.rmtree(tmp_path / ".mlspec" / "store")
    failed = api.run(path, only=["source.people"], fetching=api.Fetching(offline=True))
    assert "was changed while it was read" in failed.failures[0].cause


@pytest.mark.slow
def test_an_arrow_snapshot_holds_no_raw_personal_column(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    path = spec(tmp_path, "connection: 'sqlite:people.db', table: people")
    text = path.read_text().replace("drop: [town]}", "drop: []}\n  personal: %s")
    text += "storage: {snapshots: {format: arrow, compression: none}}\n"
    snapshots = {}
    for kind, action in (("public", ""), ("quasi_identifier", ", action: {prefix: 3}")):
        shutil.rmtree(tmp_path / ".mlspec", ignore_errors=True)
        path.write_text(text % f"{{town: {{kind: {kind}{action}}}}}")
        assert set(fetch(path)[0]["town"]) == ({"tow"} if action else {"town 0", "town 1", "town 2"})
        (snapshots[kind],) = (tmp_path / ".mlspec" / "snapshots" / "people").glob("*.arrow")
        assert (b"town 1" in snapshots[kind].read_bytes()) == (not action)
        assert fetch(path, offline=True)[1][0].startswith("people: the snapshot of ")


@pytest.mark.slow
def test_a_server_its_secret_and_the_order_of_rows(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(postgres, ROWS)
    path = spec(tmp_path, f'connection: "{postgres.connection}", table: public.people, retries: 0')
    monkeypatch.delenv("MLSPEC_TEST_PASSWORD", raising=False)
    assert "is unavailable: the environment variable MLSPEC_TEST_PASSWORD is not set" in refused(path)
    monkeypatch.setenv("MLSPEC_TEST_PASSWORD", "another")
    assert 'FATAL: password authentication failed for user "reader"' in refused(path)
    monkeypatch.setenv("MLSPEC_TEST_PASSWORD", SECRET)
    with pytest.raises(SpecError) as unknown:
        api.validate(path)
    assert [d.code for d in unknown.value.diagnostics] == ["source-schema-unknown"]
    rows, _told = fetch(path)
    assert rows.equals(FRAME.drop("town"))
    first = api.validate(path).facts.snapshots["people"]
    # A table has no order of rows: the same ones in another are the same content.
    fill(postgres, ROWS[::-1])
    fetch(path)
    assert api.validate(path).facts.snapshots["people"].digest == first.digest
    fill(postgres, [*ROWS[1:], (99, 18, "x", "2024-02-02", "low")])
    rows, _told = fetch(path)
    assert rows["id"][-1] == 99
    postgres.run("DROP TABLE people")
    broken = refused(path)
    assert 'is unavailable: ERROR: relation "public.people" does not exist' in broken
    assert "the last good snapshot is of" in broken
    assert "60 rows; mlspec run --offline uses it" in broken
    assert fetch(path, offline=True)[0].equals(rows)
    sneaky = spec(tmp_path, f'connection: "{postgres.connection}", query: "SELECT setval(\'s\', 2) AS a"')
    postgres.run("DROP SEQUENCE IF EXISTS s; CREATE SEQUENCE s")
    assert "cannot execute setval() in a read-only transaction" in refused(sneaky)
    shown = capfd.readouterr()
    assert_secret_nowhere(tmp_path, shown.out + shown.err + broken)


def assert_secret_nowhere(folder: Path, shown: str) -> None:
    """Nothing that a run leaves or prints holds the password, in any of the forms that it takes on the way."""
    from urllib.parse import quote

    forms = [SECRET, quote(SECRET, safe=""), SECRET.replace("/", "\\/")]
    assert not [form for form in forms if form in shown]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        assert not [form for form in forms if form.encode() in content], path


@pytest.mark.slow
def test_a_whole_run_on_a_server_tells_no_secret(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from mlspec.cli import main

    fill(postgres, ROWS * 4, "census")
    monkeypatch.setenv("MLSPEC_TEST_PASSWORD", SECRET)
    monkeypatch.setenv("CENSUS_URL", postgres.connection.replace("${env:MLSPEC_TEST_PASSWORD}", "pl4nted-S3cret"))
    path = spec(tmp_path, f'connection: "{postgres.connection}", table: census')
    assert main(["run", str(path)]) in (0, 1)
    for form in ("html", "json"):
        main(["compile", str(path), "--format", form])
    main(["compile", str(path), "--resolved"])
    api.report(path, form="card")
    url = spec(tmp_path, 'connection: "${env:CENSUS_URL}", table: census, retries: 0').read_text()
    path.write_text(url)
    assert main(["run", str(path)]) == 3
    locked = read_lock(tmp_path / "mlspec.lock")
    assert locked is not None
    assert locked.sources["people"].rows == 240
    shown = capfd.readouterr()
    assert "password authentication failed" in shown.err
    assert_secret_nowhere(tmp_path, shown.out + shown.err)
    # A clone without snapshots compiles from the lock.
    shutil.rmtree(tmp_path / ".mlspec")
    spec(tmp_path, f'connection: "{postgres.connection}", table: census')
    assert api.compile(path).checked.facts.target_levels == ("high", "low")


def test_a_function_of_the_users(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "people.csv")
    (tmp_path / "our_rows.py").write_text(FUNCTION)
    path = spec(tmp_path, "code: 'our_rows:people', arguments: {rows: 60}")
    assert fetch(path)[0].equals(FRAME.drop("town"))
    (tmp_path / "people.csv").unlink()
    assert "is unavailable: No such file or directory: people.csv" in refused(
        spec(tmp_path, "code: 'our_rows:people', arguments: {rows: 9}, retries: 0")
    )


BROKEN: dict[str, tuple[str, str]] = {
    "function": ("code: 'our_rows:peple'", "our_rows has no function 'peple'"),
    "module": ("code: 'no_such_rows:people'", "ModuleNotFoundError: No module named 'no_such_rows'"),
    "slow": ("code: 'our_rows:hang', timeout: 1s, retries: 0", "there was no answer within 1s"),
    "sqlite": ("connection: 'sqlite:nothing.db', table: people, retries: 0", "No such file or directory"),
    "query": ("connection: 'sqlite:people.db', query: SELECT nme FROM people", "no such column: nme"),
    "scheme": ("path: 'ftp://example.org/people.csv'", "'ftp://' addresses cannot be fetched, only https, s3, gs, az"),
    "few": (
        "connection: 'sqlite:people.db', table: people, minimum_rows: 100",
        "returned 60 rows, but at least 100 are required",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_source_that_is_unavailable(name: str, tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    (tmp_path / "our_rows.py").write_text(FUNCTION)
    source, said = BROKEN[name]
    path = spec(tmp_path, source)
    shown = refused(path)
    assert "error[source-unavailable]: source 'people' is unavailable: " in shown
    assert said in shown
    assert f"--> {path}:4:5" in shown
    left = [p.name for p in (tmp_path / ".mlspec").rglob("*") if p.is_file()]
    assert left == [".gitignore"]


def test_an_address(web: Web, tmp_path: Path) -> None:
    FRAME.write_csv(web.folder / "people.csv")
    path = spec(tmp_path, f"path: '{web.address}/people.csv?version=1', on_change: fail")
    assert fetch(path)[0].equals(FRAME.drop("town"))
    down = web.address.rpartition(":")[0] + f":{free_port()}"
    answers = {
        f"{web.address}/nothing.csv": "the server answers 404 File not found",
        f"{web.address}/broken.csv": "the server stopped after 8 of 100,000 bytes",
        f"{web.address}/slow.csv": "there was no answer within 1s",
        f"{down}/people.csv": "Connection refused",
    }
    for address, said in answers.items():
        after = "1s" if "slow" in address else "1m"
        assert f"is unavailable: {said}" in refused(spec(tmp_path, f"path: '{address}', retries: 0, timeout: {after}"))
    (web.folder / "people.csv").write_bytes(b"\x00\x01")
    assert "the response cannot be read as csv: this is not text" in refused(
        spec(tmp_path, f"path: '{web.address}/people.csv'")
    )


def test_retries_then_the_fallback(web: Web, tmp_path: Path) -> None:
    FRAME.head(40).write_csv(tmp_path / "older.csv")
    path = spec(tmp_path, f"path: '{web.address}/people.csv', retries: 1, fallback: older.csv")
    told: list[str] = []
    run = api.run(path, only=["source.people"], fetching=api.Fetching(tell=told.append))
    assert told == ["people: the server answers 404 File not found; trying again"]
    assert run.outcome in ("passed", "unknown")
    checked = api.validate(path)
    assert checked.facts.snapshots["people"].file == "older.csv"
    # When the source is back, the fallback is forgotten.
    FRAME.write_csv(web.folder / "people.csv")
    assert fetch(path)[0].height == 60


@pytest.mark.slow
def test_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    server = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(port=free_port(), verbose=False)
    running.start()
    try:
        for name, value in (("KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "pl4nted")):
            monkeypatch.setenv(f"AWS_{name}" if name.startswith("SECRET") else "AWS_ACCESS_KEY_ID", value)
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running._port}")
        store = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name="us-east-1")
        store.create_bucket(Bucket="census")
        FRAME.write_parquet(tmp_path / "upload")
        store.upload_file(str(tmp_path / "upload"), "census", "2024/people.parquet")
        path = spec(tmp_path, "path: 's3://census/2024/people.parquet', retries: 0")
        assert fetch(path)[0].equals(FRAME.drop("town"))
        assert fetch(path)[1] == ["people: unchanged"]
        assert "not found" in refused(spec(tmp_path, "path: 's3://census/nothing.parquet', retries: 0"))
    finally:
        running.stop()


def test_offline_without_a_snapshot(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    path = spec(tmp_path, "connection: 'sqlite:people.db', table: people")
    assert "error[no-snapshot]: there is no snapshot of source 'people'" in refused(path, offline=True)


def test_too_old(tmp_path: Path) -> None:
    sqlite_file(tmp_path / "people.db")
    os.utime(tmp_path / "people.db", (1_700_000_000, 1_700_000_000))
    path = spec(tmp_path, "connection: 'sqlite:people.db', table: people, fresh_within: 30d")
    shown = refused(path)
    assert "error[source-stale]: source 'people' is older than 30d" in shown
    assert "last changed 2023-11-14 22:13 UTC" in shown


@pytest.mark.parametrize("change", ["fail", "warn", "accept"])
def test_what_changed_since_the_lock(change: str, tmp_path: Path) -> None:
    frame = FRAME.drop("seen")
    frame.write_csv(tmp_path / "people.csv")
    path = spec(tmp_path, f"path: people.csv, on_change: {change}")
    lock = {
        "people": {"files": {"people.csv": "0" * 64}, "columns": {"id": "category", "age": "integer", "old": "date"}}
    }
    import msgspec

    (tmp_path / "mlspec.lock").write_bytes(msgspec.json.encode({"version": 1, "sources": lock}))
    if change == "accept":
        assert api.compile(path).checked.diagnostics == ()
        return
    if change == "fail":
        with pytest.raises(SourceError) as caught:
            api.compile(path)
        found = caught.value.diagnostics
        assert api.compile(path, fetching=api.Fetching(accept=True)).checked.diagnostics == ()
    else:
        found = api.compile(path).checked.diagnostics
    assert (
        render(found, {str(path): path.read_text()})
        == f"""\
{"error" if change == "fail" else "warning"}[data-changed]: source 'people' differs from what mlspec.lock has pinned
 --> {path}:4:5
  |
4 |     people: {{path: people.csv, on_change: {change}}}
  |     ^^^^^^ its content is different
  = removed columns: old
  = new columns: income
  = columns with a different type: id (from category to integer)
  = mlspec run --accept-data accepts and pins the current data
  = see: mlspec explain data-changed

1 {"error" if change == "fail" else "warning"}
"""
    )


def test_what_a_look_at_a_database_tells_and_what_it_leaves_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "people.db") as database:
        database.execute(
            'CREATE TABLE people (age INTEGER, "a b" TEXT, seen TEXT, old BOOLEAN, photo BLOB, income TEXT)'
        )
        database.execute(
            "INSERT INTO people VALUES (1, 'x', '2024-01-01 10:00', 1, NULL, 'low'), (2.5, '7', NULL, 0, NULL, 'high')"
        )
        database.execute(
            "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n"
        )
        database.execute("CREATE TABLE pictures (income TEXT, photo BLOB)")
        database.execute("INSERT INTO pictures VALUES ('low', x'00ff')")
    database.close()
    before = sorted(tmp_path.iterdir())

    def seen(source: str) -> str:
        path = spec(tmp_path, source)
        try:
            found = api.validate(path).facts.sources["people"]
        except SpecError as error:
            return f"{error.diagnostics[0].code}: {error.diagnostics[0].message}"
        return " ".join(f"{column.name}:{column.type}" for column in found)

    at = "connection: 'sqlite:people.db', table:"
    (tmp_path / "no.db").write_text("hello")
    assert seen(f"{at} people") == ("unknown-column: source 'people' has no column 'id'")
    assert (
        api_columns(tmp_path, "people")
        == "age:number a b:category seen:datetime old:boolean photo:category income:category"
    )
    assert seen(f"{at} endless") == "source-schema-unknown: the columns of source 'people' are not known yet"
    assert "it has no table 'peple'; its tables: endless, people, pictures" in seen(f"{at} peple")
    assert "column 'photo' contains bytes, which no model can use" in seen(f"{at} pictures")
    assert "can't be read as sql: not a SQLite database" in seen("connection: 'sqlite:no.db', table: people")
    assert "source-not-found: 'sqlite:gone.db' can't be read" in seen("connection: 'sqlite:gone.db', table: people")
    left = [path for path in sorted(tmp_path.iterdir()) if path.suffix not in (".yaml",) and path.name != "no.db"]
    assert left == [path for path in before if path.suffix != ".yaml"]


def api_columns(folder: Path, table: str) -> str:
    """The columns of a SQLite table, as a look tells them."""
    from mlspec.sources.sql import Sql

    found = Sql(connection="sqlite:people.db", table=table).columns(folder)
    return " ".join(f"{column.name}:{column.type}" for column in found)


@pytest.mark.slow
def test_verify_fetches_what_the_lock_pins_and_tells_when_it_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlspec.cli import main

    sqlite_file(tmp_path / "people.db")
    path = spec(tmp_path, "connection: 'sqlite:people.db', table: people, on_change: fail")
    api.run(path, fetching=api.Fetching())
    shutil.rmtree(tmp_path / ".mlspec")
    assert main(["verify", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "people: 60 rows from table people of sqlite:people.db" in told.err
    assert told.out.startswith("identical: all ")
    with sqlite3.connect(tmp_path / "people.db") as database:
        database.execute("DELETE FROM people WHERE id < 5")
    database.close()
    # The rows that the lock names are still here: they are what is verified, and nothing is fetched.
    assert main(["verify", str(tmp_path)]) == 0
    assert "rows from" not in capsys.readouterr().err
    shutil.rmtree(tmp_path / ".mlspec")
    assert main(["verify", str(tmp_path)]) == 1
    changed = "different: source 'people' has changed since mlspec.lock was written (60 rows then, 55 now)\n"
    assert capsys.readouterr().out == changed
