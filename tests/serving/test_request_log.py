"""The log of requests: what is in it and what never is, whole parts alone, bounds of age and size."""

import datetime
import os
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from mlspec.serving import request_log
from mlspec.serving.request_log import RequestLog
from mlspec.spec.operation.log import Log

from . import packages
from .conftest import app_of, asked
from .test_server import serve


def log_of(log: Path, lost: list[int] | None = None, **wanted: Any) -> RequestLog:
    return RequestLog(log, Log(**wanted), (lost if lost is not None else []).append)


def read(log: Path) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(part) for part in sorted(log.glob("*/*.parquet"))]).sort("time", "row")


def test_each_row_that_was_asked_for_is_a_row_of_the_log(folder: Path, tmp_path: Path) -> None:
    log = log_of(tmp_path / "log")
    app = app_of(folder, log=log)
    rows = packages.rows(3, seed=8)
    reply = asked(app, "/predict", rows, {"X-Request-Id": "a"}).json
    asked(app, "/predict", {**rows[0], "age": "41"}, {"X-Request-Id": "b"})
    asked(app, "/predict", {**rows[0], "age": "Mrs Smith"}, {"X-Request-Id": "c"})
    asked(app, "/v2/health/ready")
    app.close()
    (day,) = (tmp_path / "log").iterdir()
    assert day.name == datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    table = read(tmp_path / "log")
    assert table["request_id"].to_list() == ["a", "a", "a", "b", "c"]
    assert table["row"].to_list() == [0, 1, 2, 0, 0]
    assert table["status"].to_list() == ["ok"] * 4 + ["refused"]
    assert table["prediction"].to_list()[:3] == [one["prediction"] for one in reply["predictions"]]
    assert table["probability.x1"].to_list()[:3] == [one["probabilities"]["x1"] for one in reply["predictions"]]
    assert table["to_person"].to_list()[:3] == [one["to_person"] for one in reply["predictions"]]
    assert set(table["model"]) == {reply["model"]}
    inputs = table.select(pl.col("^input\\..*$").name.map(lambda name: name.removeprefix("input.")))
    assert inputs.schema == packages.frame(1).schema
    assert inputs[:3].equals(packages.frame(3, seed=8))
    assert inputs["age"][3] == 41
    assert table.row(4)[7:] == (None,) * (table.width - 7)


def test_personal_columns_are_in_it_as_they_are_treated(tmp_path: Path) -> None:
    treatments = (("age", "integer", ("top_code", {"at_most": 60.0})),)
    folder = packages.write(tmp_path / "model", classes=0, treatments=treatments, hidden=("town",))
    app = app_of(folder, log=log_of(tmp_path / "log"))
    row = {**packages.rows(1, seed=5)[0], "age": 87, "town": "Kleinstadt"}
    assert asked(app, "/predict", row).status == 200
    app.close()
    table = read(tmp_path / "log")
    assert table["input.age"].to_list() == [60]
    assert "input.town" not in table.columns
    assert table["prediction"].dtype == pl.Float64
    assert b"Kleinstadt" not in next((tmp_path / "log").glob("*/*.parquet")).read_bytes()


def test_share_age_and_size_are_bounded(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "log"
    today = datetime.datetime.now(datetime.UTC).date()
    for days in (1, 2, 3):
        (home / str(today - datetime.timedelta(days=days))).mkdir(parents=True)
        (home / str(today - datetime.timedelta(days=days)) / "1.parquet").write_bytes(b"x" * 15_000)
    stale, fresh = (home / str(today - datetime.timedelta(days=1)) / f"{name}.parquet.tmp" for name in "ab")
    for file in (stale, fresh):
        file.touch()
    os.utime(stale, (0, 0))
    log = log_of(home, share=0.25, keep=2 * 86400.0, max_size=20_000)
    yesterday = str(today - datetime.timedelta(days=1))
    assert [day.name for day in sorted(home.iterdir()) if list(day.iterdir())] == [yesterday]
    assert not stale.exists()
    assert fresh.exists()
    app = app_of(folder, log=log)
    for number in range(80):
        asked(app, "/predict", packages.rows(1)[0], {"X-Request-Id": f"r{number}"})
    app.close()
    (part,) = home.glob(f"{today}/*.parquet")
    assert 5 < pl.read_parquet(part).height < 40
    assert not list(home.glob(f"{yesterday}/*.parquet"))  # the size was exceeded
    lost: list[int] = []
    monkeypatch.setattr(request_log, "MOST", 2)
    app = app_of(folder, log=log_of(home, lost))
    asked(app, "/predict", packages.rows(3))
    app.close()
    assert lost == [3]


@pytest.mark.slow
def test_a_killed_process_loses_no_finished_part(folder: Path, tmp_path: Path) -> None:
    log, body, asked_for = tmp_path / "log", msgspec.json.encode(packages.rows(500)), 0
    with serve(str(folder), "--log", str(log), "--workers", "2") as served:
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()
        while len({part.name.split("-")[1] for part in log.glob("*/*.parquet")}) < 2:
            assert served.post("/predict", body)[0] == 200
            asked_for += 500
        for process in (served.process.pid, *map(int, children)):
            os.kill(process, 9)
    table = read(log)
    assert table.group_by("request_id").len()["len"].unique().to_list() == [500]
    assert 0 < table.height <= asked_for
    with serve(str(folder), "--log", str(log)) as served:
        assert served.post("/predict", body, **{"X-Request-Id": "last"})[0] == 200
        served.process.terminate()
        assert served.process.wait(60) == 0
    assert read(log).filter(request_id="last").height == 500
