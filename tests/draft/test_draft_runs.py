"""What `mlspec init` writes runs without an edit."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from mlspec import api
from mlspec.api import drafting
from mlspec.cli import main
from mlspec.draft import draft

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def patience_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no failure."""
    monkeypatch.setattr(drafting, "SECONDS", 600.0)


def passengers(chance: np.random.Generator) -> pl.DataFrame:
    n = 400
    survived = chance.integers(0, 2, n)
    ages = [None if chance.random() < 0.2 else int(chance.integers(1, 80)) for _ in range(n)]
    return pl.DataFrame(
        {
            "survived": survived,
            "name": [f"Braund, Mr. Owen {chr(65 + i % 26)}{chr(97 + i // 26)}" for i in range(n)],
            "sex": np.where(survived, "female", "male"),
            "age": ages,
            "fare": chance.gamma(1, 30, n).round(2),
            "y": chance.random(n),
            "a: 'b' #\n": chance.random(n),
            "alive": np.where(survived, "yes", "no"),
        }
    )


def shops(chance: np.random.Generator) -> pl.DataFrame:
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(120)]
    n = 10 * len(days)
    return pl.DataFrame(
        {
            "store": np.tile(np.arange(1, 11), len(days)),
            "date": [day for day in days for _ in range(10)],
            "city": [f"city{i}" for i in chance.integers(0, 90, n)],
            "sales": chance.lognormal(5, 0.9, n).round(2),
        }
    )


def wide(chance: np.random.Generator) -> pl.DataFrame:
    cells = {f"g{i}": chance.normal(size=60) for i in range(500)}
    return pl.DataFrame({**cells, "class": ["p", "q", "r"] * 20})


@pytest.mark.parametrize("table", [passengers, shops, wide], ids=lambda table: table.__name__)
def test_a_written_spec_runs_quickly(
    table: "object", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(table)
    table(np.random.default_rng(0)).write_csv(tmp_path / "rows.csv")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "rows.csv"]) == 0
    assert capsys.readouterr().err == "wrote project.yaml; next: mlspec run --profile quick\n"
    assert api.run(profile="quick", backend="inline").failures == ()


def test_what_fails_only_when_it_runs_is_left_out(tmp_path: Path) -> None:
    cells = {"size": [i * 0.01 for i in range(60)], "label": ["p", "q"] * 30}
    pl.DataFrame(cells).write_csv(tmp_path / "rows.csv")
    found = draft(tmp_path / "rows.csv", tmp_path)
    wrong = [*found.spec["data"]["expect"], {"column": "size", "between": [0, 0.58]}]
    broken = replace(found, spec={**found.spec, "data": {**found.spec["data"], "expect": wrong}})
    given = drafting.tried(broken, tmp_path / "rows.csv")
    assert given.text == found.written().text
    (note,) = given.notes
    assert note.startswith(
        "left out data.expect.3: step 'expect' fails: the data is not as expected: 'size' is outside"
    )
