"""Preparation: the same figures as scikit-learn, fitted on training rows alone, the same bytes every time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.steps.data import parquet, preparation, prepare
from mlspec.steps.job import Job

NUMBERS = [1.0, 2.5, None, 4.0, -3.0, 10.0, 2.5, None]
WORDS = ["b", "a", None, "c", "a", "a", "b", "c"]
FRAME = pl.DataFrame(
    {
        "x": NUMBERS,
        "n": [1, 2, None, 4, 5, 6, 7, 8],
        "w": WORDS,
        "y": ["no", "yes"] * 4,
        "t": [True, None, False, True] * 2,
    }
)


def fitted(frame: pl.DataFrame, columns: dict[str, tuple[str, list[Any]]], task: str = "binary_classification") -> Any:
    """The state of a preparation with these columns: name -> type and steps."""
    listed = [{"name": n, "type": t, "steps": steps} for n, (t, steps) in columns.items()]
    params = {"columns": listed, "target": ["y", "category"], "task": task, "positive": None}
    return preparation.fit(frame.lazy(), params)


def column(frame: pl.DataFrame, kind: str, steps: list[Any], name: str) -> np.ndarray[Any, Any]:
    """One column's features after its steps."""
    state = fitted(frame, {name: (kind, steps)})
    made = preparation.features(preparation.apply(frame.lazy(), state).collect(), state)
    return made.codes[:, 0] if made.codes.size else made.numeric


@pytest.mark.parametrize("strategy", ["median", "mean", "most_frequent"])
@pytest.mark.parametrize("method", ["standard", "minmax", "robust"])
def test_numbers_as_scikit_learn_prepares_them(strategy: str, method: str) -> None:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

    scaler = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}[method]()
    wanted = make_pipeline(SimpleImputer(strategy=strategy), scaler).fit_transform(np.array([NUMBERS], dtype=float).T)
    steps = [["impute", {"strategy": strategy}], ["scale", {"method": method}]]
    np.testing.assert_allclose(column(FRAME, "number", steps, "x"), wanted, atol=1e-6)


def test_categories_as_scikit_learn_encodes_them() -> None:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    words = np.array([[w] for w in WORDS if w is not None])
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(words)
    ordinal = OrdinalEncoder().fit_transform(words)[:, 0]
    present = np.array([w is not None for w in WORDS])
    made = column(FRAME, "category", [["encode", {"method": "one_hot"}]], "w")
    np.testing.assert_array_equal(made[present], one_hot)
    np.testing.assert_array_equal(made[~present], [[0, 0, 0]])
    codes = column(FRAME, "category", [["encode", {"method": "ordinal"}]], "w")
    np.testing.assert_array_equal(codes[present], ordinal + 1)
    np.testing.assert_array_equal(codes[~present], [0])


def test_levels_that_training_never_saw_are_unknown() -> None:
    state = fitted(FRAME, {"w": ("category", [["encode", {"method": "ordinal"}]])})
    new = pl.DataFrame({"w": ["zebra", "a", None]})
    made = preparation.features(preparation.apply(new.lazy(), state).collect(), state)
    assert made.codes[:, 0].tolist() == [0, 1, 0]
    assert made.levels == (4,)


def test_rare_levels_go_together() -> None:
    steps = [["group_rare", {"min_count": 3}], ["encode", {"method": "one_hot"}]]
    state = fitted(FRAME, {"w": ("category", steps)})
    assert [c["name"] for c in state["outputs"]] == ["w=(other)", "w=a"]


@pytest.mark.parametrize("model", ["ridge", "logistic_regression", "sgd"])
def test_a_linear_model_is_never_as_wide_as_a_column_has_values(model: str) -> None:
    frame = pl.DataFrame({"id": [f"{n // 2}" for n in range(1200)], "y": ["no", "yes"] * 600})
    rare, encode = registry.plugin("models", model).preparation["category"]  # type: ignore[attr-defined]
    state = fitted(frame, {"id": ("category", [*map(list, rare.items()), ["encode", {"method": encode["encode"]}]])})
    assert len(state["outputs"]) == 255


@pytest.mark.parametrize("name", ["count", "level", "texts", "word", "len", "literal"])
@pytest.mark.parametrize("step", [["group_rare", {"min_count": 1}], ["tf_idf", {"at_least": 1}]])
def test_a_column_may_be_called_as_anything_that_is_counted(name: str, step: list[Any]) -> None:
    named = FRAME.rename({"w": name})
    steps = [step] if step[0] == "tf_idf" else [step, ["encode", {"method": "ordinal"}]]
    assert column(named, "category", steps, name).tolist() == column(FRAME, "category", steps, "w").tolist()


def test_clip_log_and_dates() -> None:
    assert column(FRAME, "number", [["clip", {"lower": 0, "upper": 3}]], "x")[[0, 4, 5], 0].tolist() == [1, 0, 3]
    logs = column(FRAME, "number", [["log", {}]], "x")[[0, 4], 0]
    np.testing.assert_allclose(logs, [np.log1p(1), -np.log1p(3)], rtol=1e-6)
    days = pl.DataFrame({"d": ["2024-02-29", "2023-12-31"], "y": ["no", "yes"]}).with_columns(pl.col("d").str.to_date())
    made = column(days, "date", [["date_parts", {"parts": ["year", "month", "day", "weekday", "day_of_year"]}]], "d")
    assert made.tolist() == [[2024, 2, 29, 4, 60], [2023, 12, 31, 7, 365]]


def test_a_column_without_a_value_and_a_boolean() -> None:
    empty = FRAME.with_columns(pl.lit(None, dtype=pl.Float64).alias("x"))
    steps = [["impute", {"strategy": "median"}], ["scale", {"method": "standard"}]]
    assert column(empty, "number", steps, "x").tolist() == [[0.0]] * 8
    codes = column(FRAME, "boolean", [["encode", {"method": "ordinal"}]], "t")
    assert codes.tolist() == [2, 0, 1, 2, 2, 0, 1, 2]


@pytest.mark.parametrize("worst", [float("inf"), 1e300])
def test_infinite_numbers_are_named_with_what_to_do(worst: float) -> None:
    frame = FRAME.with_columns(x=pl.Series([worst, *NUMBERS[1:]]))
    text = r"column 'x' has infinite numbers, or too large ones for the step 'scale': put \{clip: \{lower: .., upper"
    with pytest.raises(StepError, match=text):
        fitted(frame, {"x": ("number", [["scale", {"method": "standard"}]])})
    clipped = [["clip", {"lower": -10, "upper": 10}], ["scale", {"method": "standard"}]]
    assert np.nanmax(column(frame, "number", clipped, "x")) < 3


def test_text_left_as_it_is_is_refused() -> None:
    with pytest.raises(StepError, match="'w' is still a category"):
        fitted(FRAME, {"w": ("category", [])})


STEPS: dict[str, tuple[str, list[Any]]] = {
    "x": (
        "number",
        [
            ["clip", {"lower_quantile": 0.1, "upper_quantile": 0.9}],
            ["impute", {"strategy": "mean"}],
            ["scale", {"method": "robust"}],
        ],
    ),
    "n": ("integer", [["impute", {"strategy": "most_frequent"}], ["scale", {"method": "minmax"}]]),
    "w": (
        "category",
        [
            ["impute", {"strategy": "most_frequent"}],
            ["group_rare", {"max_levels": 2}],
            ["encode", {"method": "one_hot"}],
        ],
    ),
}
NUMBER = st.one_of(st.none(), st.floats(-1e6, 1e6))


def job(folder: Path, train: pl.DataFrame, validation: pl.DataFrame) -> Job:
    """A prepare step over these rows."""
    folder.mkdir()
    for name, frame in (("train", train), ("validation", validation)):
        parquet.write(frame, folder / f"{name}.in")
    listed = [{"name": n, "type": t, "steps": steps} for n, (t, steps) in STEPS.items()]
    return Job(
        id="prepare.one",
        kind="prepare",
        params={"columns": listed, "target": ["y", "category"], "task": "binary_classification", "positive": None},
        inputs={name: folder / f"{name}.in" for name in ("train", "validation")},
        outputs={name: folder / name for name in ("state", "train", "validation")},
        scratch=folder,
        root=folder,
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(NUMBER, min_size=8, max_size=8), words=st.lists(st.sampled_from("abxyz"), min_size=8, max_size=8)
)
def test_other_validation_rows_leave_the_fitted_state_as_it_was(
    numbers: list[float | None], words: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("leak")
    other = FRAME.with_columns(pl.Series("x", numbers, dtype=pl.Float64), pl.Series("w", words))
    one, two = job(folder / "one", FRAME, FRAME), job(folder / "two", FRAME, other)
    prepare.run(one)
    prepare.run(two)
    assert one.outputs["state"].read_bytes() == two.outputs["state"].read_bytes()
    assert one.outputs["train"].read_bytes() == two.outputs["train"].read_bytes()
    json.loads(one.outputs["state"].read_bytes())
