"""The examples of databases and joins, run whole: what holds, what is asked of new rows, and what happens when the data
moves."""

import json
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from .conftest import Mlspec, copy


@pytest.mark.slow
def test_the_census_in_a_database(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = copy("census-sqlite", tmp_path)
    done = mlspec("run", cwd=folder)
    assert "All 3 constraints hold" in done.stdout
    assert "people: 5,427 rows from table people of sqlite:data/census.db" in done.stderr
    again = mlspec("run", cwd=folder)
    assert "people: unchanged" in again.stderr
    assert "nothing to do" in again.stderr
    report = (folder / json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)["report"]).read_text()
    assert "exists in levels.education" in report
    # New rows are sent raw: what is derived of them is derived by the model.
    with sqlite3.connect(folder / "data/census.db") as database:
        rows = pl.read_database("SELECT * FROM people JOIN education_levels USING (education) LIMIT 20", database)
    rows.drop("income").write_csv(folder / "new.csv")
    mlspec("predict", ".", "new.csv", "-o", "answers.csv", cwd=folder)
    assert pl.read_csv(folder / "answers.csv").height == 20
    # The occupations move: the pinned spread notices, and is renewed when that is meant.
    with sqlite3.connect(folder / "data/census.db") as database:
        database.execute("UPDATE people SET occupation = 'Sales' WHERE occupation = 'Craft-repair'")
        database.execute("UPDATE people SET marital_status = 'Partnered' WHERE marital_status = 'Widowed'")
    database.close()
    moved = mlspec("run", cwd=folder, code=3)
    assert "warning[data-changed]: source 'people' differs from what mlspec.lock has pinned" in moved.stderr
    assert "'occupation' is spread otherwise than when mlspec.lock pinned it: PSI" in moved.stderr
    told = "of rows that no row had when mlspec.lock pinned them, 'Partnered' for one, at most 0.10% expected"
    assert told in moved.stderr
    assert "--> project.yaml:46:7" in moved.stderr
    accepted = mlspec("run", "--accept-data", "--only", "expect", cwd=folder)
    assert accepted.returncode == 0
    (folder / "data/census.db").unlink()
    gone = mlspec("run", cwd=folder, code=3)
    assert "error[source-unavailable]: source 'people' is unavailable: No such file or directory" in gone.stderr
    assert "5,427 rows; mlspec run --offline uses it" in gone.stderr


@pytest.mark.slow
def test_a_forecast_from_the_day_before(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = copy("seattle-forecast", tmp_path)
    done = mlspec("run", cwd=folder)
    assert "All 3 constraints hold" in done.stdout
    days = pl.read_csv(folder / "data/seattle-weather.csv")
    asked = days.select(
        "date",
        *(pl.col(n).shift(1).alias(f"last_{n}") for n in ("temp_max", "temp_min", "wind", "precipitation", "weather")),
    ).tail(3)
    asked.write_csv(folder / "new.csv")
    mlspec("predict", ".", "new.csv", "-o", "answers.csv", cwd=folder)
    errors = (pl.read_csv(folder / "answers.csv")["prediction"] - days["temp_max"].tail(3)).abs()
    assert errors.max() < 12
    profile = json.loads(mlspec("profile", "--source", "readings", "--format", "json", cwd=folder).stdout)
    assert profile["rows"] == 1461
    shutil.rmtree(folder / ".mlspec")
    assert mlspec("compile", cwd=folder).returncode == 0


@pytest.mark.slow
def test_a_profile_hides_what_is_private_and_init_proposes_what_holds(mlspec: Mlspec, penguins: Path) -> None:
    path = penguins / "data/penguins.csv"
    shown = mlspec("profile", str(path), "--target", "species", cwd=penguins).stdout
    assert "flipper_length_mm and body_mass_g: +0.87" in shown
    assert "Adelie: 152 (44.2%)" in shown
    spec = penguins / "project.yaml"
    spec.write_text(spec.read_text().replace("{target: species", "{sensitive: [island], target: species"))
    private = mlspec("profile", cwd=penguins).stdout
    assert "Biscoe" not in private
    page = mlspec("profile", "--format", "html", cwd=penguins).stdout
    assert "Biscoe" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    mlspec("init", str(path), "-o", "drafted.yaml", cwd=penguins)
    drafted = (penguins / "drafted.yaml").read_text()
    assert "- {column: island, missing: {at_most: 0}, allowed: [Biscoe, Dream, Torgersen], severity: warn}" in drafted
    mlspec("run", "drafted.yaml", "--only", "expect", cwd=penguins)
    assert (
        "there is no column 'spcies'" in mlspec("profile", str(path), "--target", "spcies", cwd=penguins, code=2).stderr
    )
