"""A candidate that is fitted on some of the training rows: which they are, and what is said of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlspec.steps.data import sampled_rows
from mlspec.steps.job import Job
from mlspec.steps.training import train

STATE = {
    "outputs": [{"name": "a", "type": "number", "levels": None}],
    "target": {"name": "y", "type": "category", "classes": ["no", "rare", "yes"]},
}


@given(counts=st.lists(st.integers(0, 60), min_size=1, max_size=5), most=st.integers(5, 200))
def test_each_class_has_its_share_and_none_is_lost(counts: list[int], most: int) -> None:
    target = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    if len(target) <= most:
        return
    rows = sampled_rows.places(target, True, most)
    np.testing.assert_array_equal(rows, sampled_rows.places(target, True, most))
    assert len(rows) == most
    assert (np.diff(rows) > 0).all()
    kept, whole = np.bincount(target[rows], minlength=len(counts)), np.asarray(counts)
    assert (kept <= whole).all()
    assert (kept[whole > 0] > 0).all()
    # Beside what rounding takes, only classes that would have none get more than their share, from the largest ones.
    assert (kept[whole > 0] <= np.maximum(1, whole[whole > 0] * most / len(target) + 1)).all()
    assert len(sampled_rows.places(target.astype(np.float64), False, most)) == most


def fitted(folder: Path, rows: pl.DataFrame, settings: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    folder.mkdir()
    rows.write_parquet(folder / "rows")
    (folder / "state").write_text(json.dumps(STATE))
    model = ["lightgbm", {"trees": 5, **settings}]
    job = Job(
        id="train.boost",
        kind="train",
        params={"model": model, "seed": 1, "task": "multiclass_classification"},
        inputs={"train": folder / "rows", "validation": folder / "rows", "state": folder / "state"},
        outputs={"model": folder / "model", "history": folder / "history"},
        scratch=folder,
        root=folder,
    )
    train.run(job)
    return (folder / "model" / "model.txt").read_bytes(), json.loads((folder / "history").read_text())


def test_a_model_is_fitted_on_those_rows_alone_and_the_report_says_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = pl.DataFrame({"a": draw.normal(size=900), "__target__": draw.choice([0, 0, 0, 1, 2, 2], 900)})
    chosen = sampled_rows.places(rows["__target__"].to_numpy(), True, 300)
    sampled, history = fitted(tmp_path / "sampled", rows, {"rows": 300})
    assert history["warnings"] == ["fitted on 300 of 900 training rows, drawn by lot, as its `rows` says"]
    whole, history = fitted(tmp_path / "all", rows, {"rows": 900})
    assert "warnings" not in history
    # Where rows are held out, all of them count, whatever the model was fitted on.
    of_chosen, _history = fitted(tmp_path / "chosen", rows[chosen], {})
    assert trees(sampled) == trees(of_chosen)
    assert trees(sampled) != trees(whole)


def trees(model: bytes) -> bytes:
    """The first tree: later ones depend on how many there are, which the validation rows decide."""
    return model[model.index(b"Tree=0") : model.index(b"Tree=1")]
