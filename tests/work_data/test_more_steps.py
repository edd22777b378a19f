"""Steps that reshape numbers, look at the target, or read text: held against scikit-learn and SciPy, and leak-free."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import PowerTransformer, QuantileTransformer

from mlspec.steps.data import parquet, preparation, prepare
from mlspec.steps.job import Job

RANDOM = np.random.default_rng(0)
SKEWED = np.concatenate([RANDOM.lognormal(0, 1, 500), -RANDOM.exponential(0.3, 60), np.zeros(40)])


def fitted(frame: pl.DataFrame, kind: str, steps: list[Any], task: str = "regression") -> Any:
    listed = [{"name": "x", "type": kind, "steps": steps}]
    params = {"columns": listed, "target": ["y", "number" if task == "regression" else "category"], "task": task}
    return preparation.fit(frame.lazy(), {**params, "positive": None})


def made(frame: pl.DataFrame, kind: str, *steps: Any, rows: pl.DataFrame | None = None) -> Any:
    state = fitted(frame, kind, list(steps))
    found = preparation.apply((frame if rows is None else rows).lazy(), state).collect()
    return preparation.features(found, state)


@pytest.mark.parametrize("shape", ["uniform", "normal"])
def test_quantiles_as_scikit_learn_maps_them(shape: str) -> None:
    frame = pl.DataFrame({"x": SKEWED, "y": SKEWED})
    wanted = QuantileTransformer(n_quantiles=600, output_distribution=shape).fit_transform(SKEWED[:, None])
    found = made(frame, "number", ["quantile", {"shape": shape}]).numeric
    inner = (SKEWED.min() < SKEWED) & (SKEWED.max() > SKEWED)
    np.testing.assert_allclose(found[inner], wanted[inner], atol=2e-3)
    new = pl.DataFrame({"x": [None, -1e9, 1e9, 0.5], "y": [0.0] * 4})
    beyond = made(frame, "number", ["quantile", {"shape": "uniform"}], rows=new).numeric[:, 0]
    assert np.isnan(beyond[0])
    assert (beyond[1], beyond[2]) == (0, 1)


def test_a_column_of_one_value_stays_one(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [2.0, 2.0, None], "y": [1.0, 2.0, 3.0]})
    for step in (["quantile", {}], ["power", {}]):
        found = made(frame, "number", step).numeric[:, 0]
        assert found[0] == found[1]
        assert np.isnan(found[2])


def test_the_power_is_the_most_probable_one() -> None:
    frame = pl.DataFrame({"x": SKEWED, "y": SKEWED})
    wanted = PowerTransformer(standardize=False).fit(SKEWED[:, None])
    state = fitted(frame, "number", [["power", {}]])
    assert state["columns"][0]["stages"][0][2][0]["power"] == pytest.approx(wanted.lambdas_[0], abs=1e-3)
    found = made(frame, "number", ["power", {}]).numeric
    np.testing.assert_allclose(found, wanted.transform(SKEWED[:, None]), rtol=1e-2, atol=1e-2)


def test_what_comes_round_again_ends_where_it_began() -> None:
    when = [date(2024, 1, 1), date(2024, 1, 8), date(2024, 12, 31)]
    days = pl.DataFrame({"x": when, "y": [0.0] * 3})
    found = made(days, "date", ["cyclical", {"cycles": ["week", "year"]}])
    assert found.numeric_names == ("x.week.sin", "x.week.cos", "x.year.sin", "x.year.cos")
    np.testing.assert_allclose(found.numeric[0, :2], found.numeric[1, :2], atol=1e-6)
    np.testing.assert_allclose(found.numeric[0, 2:], found.numeric[2, 2:], atol=0.02)
    turned = made(pl.DataFrame({"x": [0, 360, 90], "y": [0.0] * 3}), "integer", ["cyclical", {"period": 360}]).numeric
    np.testing.assert_allclose(turned, [[0, 1], [0, 1], [1, 0]], atol=1e-6)


TEXTS = ["the cat sat", "The CAT ran, the cat hid", "a dog sat", None, "", "rain in Spain", "rain again in rain"]


def test_words_are_weighed_as_scikit_learn_does() -> None:
    frame = pl.DataFrame({"x": TEXTS, "y": [0.0] * len(TEXTS)})
    texts = [text for text in TEXTS if text is not None]
    reference = TfidfVectorizer(norm=None, min_df=2).fit(texts)
    found = made(frame, "category", ["tf_idf", {"words": 100, "at_least": 2}])
    names = [name.partition(":")[2] for name in found.numeric_names]
    assert set(names) == set(reference.vocabulary_)
    counted = reference.transform(texts).toarray()[:, [reference.vocabulary_[name] for name in names]]
    lengths = np.array([max(1, len(reference.build_analyzer()(text))) for text in texts])[:, None]
    rows = [index for index, text in enumerate(TEXTS) if text is not None]
    np.testing.assert_allclose(found.numeric[rows], counted / lengths, atol=1e-6)
    assert not found.numeric[3].any()


def test_hashed_words_keep_their_place_and_count() -> None:
    frame = pl.DataFrame({"x": TEXTS, "y": [0.0] * len(TEXTS)})
    found = made(frame, "category", ["hash_text", {"columns": 16}]).numeric
    assert found.shape == (len(TEXTS), 16)
    assert found.sum(axis=1).tolist() == [3, 6, 2, 0, 0, 3, 4]  # one letter is no word
    again = made(frame[::-1], "category", ["hash_text", {"columns": 16}]).numeric
    np.testing.assert_array_equal(again[::-1], found)


def levelled(rows: int, levels: int, seed: int) -> pl.DataFrame:
    """A column of many levels that has nothing to do with the target."""
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": [f"l{level}" for level in random.integers(0, levels, rows)],
            "y": ["yes" if coin else "no" for coin in random.integers(0, 2, rows)],
        }
    )


def job(folder: Path, train: pl.DataFrame, validation: pl.DataFrame, **settings: Any) -> Job:
    folder.mkdir()
    for name, frame in (("train", train), ("validation", validation)):
        parquet.write(frame, folder / f"{name}.in")
    steps = [["target_encode", settings]]
    params = {
        "columns": [{"name": "x", "type": "category", "steps": steps}],
        "target": ["y", "category"],
        "task": "binary_classification" if train["y"].n_unique() == 2 else "multiclass_classification",
        "positive": None,
    }
    return Job(
        id="prepare.one",
        kind="prepare",
        params=params,
        inputs={name: folder / f"{name}.in" for name in ("train", "validation")},
        outputs={name: folder / name for name in ("state", "train", "validation")},
        scratch=folder,
        root=folder,
    )


def test_training_rows_never_see_their_own_target(tmp_path: Path) -> None:
    train = levelled(4000, 1500, 1)
    one = job(tmp_path / "one", train, levelled(500, 1500, 2), smoothing=1.0)
    prepare.run(one)
    state = json.loads(one.outputs["state"].read_bytes())
    prepared = pl.read_parquet(one.outputs["train"])
    truth = prepared["__target__"].to_numpy()
    assert abs(roc_auc_score(truth, prepared["x"].to_numpy()) - 0.5) < 0.05
    naive = preparation.apply(train.lazy(), state).collect()
    assert roc_auc_score(truth, naive["x"].to_numpy()) > 0.75  # what the model would have learned to read off

    # A row's own target does not reach its number.
    flipped = train.with_columns(
        pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.lit("yes" if train["y"][7] == "no" else "no"))
        .otherwise("y")
        .alias("y")
    )
    two = job(tmp_path / "two", flipped, levelled(500, 1500, 2), smoothing=1.0)
    prepare.run(two)
    assert pl.read_parquet(two.outputs["train"])["x"][7] == prepared["x"][7]

    # Neither do validation rows reach the state.
    three = job(tmp_path / "three", train, levelled(500, 9, 3), smoothing=1.0)
    prepare.run(three)
    assert three.outputs["state"].read_bytes() == one.outputs["state"].read_bytes()
    assert three.outputs["train"].read_bytes() == one.outputs["train"].read_bytes()


def test_levels_are_drawn_to_the_mean_of_all(tmp_path: Path) -> None:
    train = pl.DataFrame({"x": ["a"] * 30 + ["b"] * 10 + [None] * 2, "y": ["yes"] * 30 + ["no"] * 12})
    one = job(tmp_path / "one", train, pl.DataFrame({"x": ["a", "b", "new", None], "y": ["yes"] * 4}), smoothing=10.0)
    prepare.run(one)
    prior = 30 / 42
    wanted = [(30 + 10 * prior) / 40, 10 * prior / 20, prior, prior]
    np.testing.assert_allclose(pl.read_parquet(one.outputs["validation"])["x"].to_numpy(), wanted)


def test_several_classes_have_a_column_each(tmp_path: Path) -> None:
    train = pl.DataFrame({"x": ["a", "b", "c"] * 40, "y": ["u", "v", "w"] * 40})
    one = job(tmp_path / "one", train, train[:3], smoothing=1.0)
    prepare.run(one)
    found = pl.read_parquet(one.outputs["validation"]).drop("__target__").to_numpy()
    assert found.shape == (3, 3)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.sum(axis=1), 1)
