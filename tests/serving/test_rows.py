"""Few rows take a way of their own through a model, and get the answers of the data engine, to the last bit."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlspec import api
from mlspec.steps.serving import package

from . import packages


@pytest.mark.parametrize(
    ("classes", "more"),
    [
        (0, {}),
        (2, {"threshold": 0.3, "calibration": {"curves": [{"least": 0.01, "slope": 1.5, "offset": 0.1}]}}),
        (3, {"abstain_below": 0.6}),
    ],
)
def test_single_rows_are_answered_as_a_table_is(classes: int, more: dict[str, object], tmp_path: Path) -> None:
    loaded = package.load(packages.write(tmp_path / "model", classes=classes, **more))
    rows = packages.rows(200, seed=2)
    whole = loaded.predict(packages.frame(200, seed=2))
    single = [loaded.predict_few([row]) for row in rows]
    assert all(one is not None for one in single)
    assert np.concatenate([one for one in single if one is not None]).tobytes() == whole.tobytes()
    few = loaded.predict_few(rows)
    assert few is not None
    assert few.tobytes() == whole.tobytes()


@pytest.mark.parametrize("trust_code", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_what_is_asked_with_python_values_is_answered_as_a_frame_is(trust_code: bool, tmp_path: Path) -> None:
    folder = packages.write(tmp_path / "model", classes=3, abstain_below=0.6)
    rows = [{"id": place, **row} for place, row in enumerate(packages.rows(50, seed=3))]
    table = packages.frame(50, seed=3).with_columns(id=pl.Series(range(50)))
    loaded = api.load_model(folder, trust_code=trust_code)
    expected = api.predict(loaded, table, keep=["id"], on_error="skip")
    found = api.predict(loaded, rows, keep=["id"], on_error="skip")
    assert found.rows == expected.rows.to_dicts()
    assert found.notes == expected.notes
    assert len(found.notes) == 1
    assert api.predict(loaded, rows[7], keep=["id"]) == expected.rows.to_dicts()[7]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"age": "old"}, "row 1, column 'age': 'old' is not an integer"),
        ({"age": 39.5}, "row 1, column 'age': '39.5' is not an integer"),
        ({"since": "2024-02-30"}, "row 1, column 'since': '2024-02-30' is not a date (like 2024-01-31)"),
        ({"member": 2}, "row 1, column 'member': '2' is not true or false"),
        ({"member": 5.5}, "row 1, column 'member': '5.5' is not true or false"),
        ({"member": 1.0}, ""),
        ({"age": "41", "member": 1, "since": "2024-01-31 10:00"}, ""),
        (dict.fromkeys(packages.KINDS), "row 1: the row is empty"),
    ],
)
def test_other_cells_are_read_by_the_rules_of_tables(cell: dict[str, object], said: str, tmp_path: Path) -> None:
    loaded = package.load(packages.write(tmp_path / "model"))
    row = {**packages.rows(1, seed=5)[0], **cell}
    assert loaded.predict_few([row]) is None
    found = api.predict(loaded, [row], on_error="skip")
    assert [str(one) for one in found.refused] == ([said] if said else [])
    assert len(found.rows) == (not said)
