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
    # Some processors sum the float32 products of one row in another order than those of many.
    for one, row, wanted in zip(found, answer["predictions"], expected, strict=True):
        shares = {name.removeprefix("p_"): share for name, share in wanted.items() if name != "prediction"}
        assert one["probabilities"] == pytest.approx(shares, abs=1e-6)
        assert row["probabilities"] == pytest.approx(shares, abs=1e-6)
        assert one["prediction"] == row["prediction"]
