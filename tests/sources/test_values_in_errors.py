"""What a database says of a value that does not fit: its message without the value, which may be a person's."""

from pathlib import Path

import duckdb
import pytest

from mlspec.diagnostics import StepError
from mlspec.plugins.source import Wanted
from mlspec.sources import _databases, _secrets

from .conftest import SECRET, Postgres

EVERY = Wanted()


def test_a_server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSPEC_TEST_PASSWORD", SECRET)
    uri = _secrets.filled(postgres.connection)
    for query, said in (
        ("(SELECT 'Zaphod'::int AS a) AS rows", 'ERROR: invalid input syntax for type integer: "•••"'),
        ("(SELECT '99999999999'::int AS a) AS rows", 'ERROR: value "•••" is out of range for type integer'),
    ):
        with pytest.raises(StepError, match="ERROR") as failed:
            _databases.postgresql(uri, query, EVERY)
        assert str(failed.value) == said


def test_duckdb(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t AS SELECT 'Zaphod' AS who")
    with pytest.raises(StepError, match="Conversion Error") as failed:
        _databases.duckdb(tmp_path / "a.db", "(SELECT CAST(who AS INTEGER) AS a FROM t) AS rows", EVERY)
    assert "Zaphod" not in str(failed.value)
    assert "to INT32" in str(failed.value)
