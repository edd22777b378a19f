"""A run's model as a service: the answers of ``mlspec predict``, with the name and the limits of the spec."""

import json
from pathlib import Path

import polars as pl
import pytest

from ..serving.test_server import serve
from .conftest import Mlspec


@pytest.mark.slow
def test_served_answers_are_those_of_predict(ran: Path, mlspec: Mlspec) -> None:
    table = pl.read_csv(ran / "data/penguins.csv", null_values=["NA"]).drop("species")
    table = table.filter(~pl.all_horizontal(pl.all().exclude("year", "island").is_null()))
    table.write_csv(ran / "new.csv")
    mlspec("predict", ".", "new.csv", "-o", "answers.jsonl", cwd=ran)
    expected = [json.loads(line) for line in (ran / "answers.jsonl").read_text().splitlines()]
    with serve(str(ran)) as served:
        assert served.line.startswith("serving penguins (model ")
        found = []
        for row in table.to_dicts():
            status, answer = served.post("/predict", json.dumps(row).encode())
            assert status == 200
            found += answer["predictions"]
        status, answer = served.post("/predict", json.dumps(table.to_dicts()).encode())
    assert [one["prediction"] for one in found] == [one["prediction"] for one in expected]
    shares = [{f"p_{name}": share for name, share in one["probabilities"].items()} for one in found]
    assert [{**share, "prediction": one["prediction"]} for share, one in zip(shares, found, strict=True)] == expected
    assert answer["predictions"] == found
