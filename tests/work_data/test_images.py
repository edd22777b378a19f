"""Pictures as features: decoded and scaled by what training rows are, seen as pictures by the network for them."""

import io
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl
import pytest
from PIL import Image

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features, Model, Training
from mlspec.report.facts import profile
from mlspec.report.facts.run import ColumnFact
from mlspec.steps.data import parquet, preparation
from mlspec.steps.diagnosis import media


def encoded(pixels: np.ndarray[Any, Any]) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, "PNG")
    return made.getvalue()


RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)
FRAME = pl.DataFrame(
    {
        "n": np.arange(40.0),
        "image": pl.Series([encoded(p) for p in PIXELS]),
        "text": ["one two two"] * 40,
        "y": ["a", "b"] * 20,
    }
)


def params(**settings: Any) -> dict[str, Any]:
    return {
        "columns": [
            {"name": "n", "type": "number", "steps": []},
            {"name": "image", "type": "image", "steps": [["image", {"size": [6, 5], **settings}]]},
            {"name": "text", "type": "category", "steps": [["tf_idf", {"at_least": 1}]]},
        ],
        "target": ["y", "category"],
        "task": "binary_classification",
        "positive": None,
    }


def test_pixels_are_scaled_by_the_training_rows_alone() -> None:
    state = preparation.fit(FRAME.lazy(), params())
    found = preparation.features(preparation.apply(FRAME.lazy(), state).collect(), state)
    numbers = PIXELS.reshape(40, -1, 3) / 255.0
    wanted = (numbers - numbers.mean(axis=(0, 1))) / numbers.std(axis=(0, 1))
    np.testing.assert_allclose(found.numeric[:, 1:91], wanted.reshape(40, -1), atol=1e-5)
    np.testing.assert_array_equal(found.numeric[:, 0], np.arange(40))
    assert found.numeric_names[:2] == ("n", "image#0")
    assert found.numeric_names[91:] == ("text:one", "text:two")
    assert found.arrays == ((1, (6, 5, 3)), (91, (2,)))
    # Rows that are only passed through change nothing of the state, and come out as they would beside others.
    few = preparation.features(preparation.apply(FRAME[3:5].lazy(), state).collect(), state)
    np.testing.assert_array_equal(few.numeric, found.numeric[3:5])


def test_grey_pictures_of_another_size(tmp_path: Path) -> None:
    state = preparation.fit(FRAME.lazy(), params(size=[3, 2], colour="grey", scale="unit"))
    change = preparation.apply(FRAME.lazy(), state)
    parquet.write(change, tmp_path / "prepared")
    found = preparation.features(pl.read_parquet(tmp_path / "prepared"), state)
    assert found.arrays[0] == (1, (3, 2, 1))
    assert 0 <= found.numeric[:, 1:7].min() < found.numeric[:, 1:7].max() <= 1


def test_a_row_without_a_picture_is_reported() -> None:
    state = preparation.fit(FRAME.lazy(), params())
    for cell, told in ((None, "'image' is missing in a row"), (b"x", "a cell of column 'image' is no PNG")):
        rows = FRAME[:1].with_columns(pl.lit(cell, dtype=pl.Binary).alias("image"))
        with pytest.raises(StepError, match=told) as caught:
            preparation.apply(rows.lazy(), state).collect()
        assert "expression" not in str(caught.value)


def test_the_report_and_the_checks_tell_no_bytes(tmp_path: Path) -> None:
    parquet.write(FRAME, tmp_path / "train")
    (found,) = profile.profiled(tmp_path / "train", [ColumnFact(name="image", type="image", role="feature")])
    assert found.profile is not None
    assert found.profile.images is not None
    assert found.profile.images.smallest == (6, 5)
    assert found.profile.distinct == 40
    assert "PNG" not in msgspec.json.encode(found).decode()
    parts = media.summarised(FRAME.lazy()).collect()
    assert parts.columns[1] == "image, part 1 of 16"
    assert parts.width == 19


def bars(n: int, seed: int) -> tuple[Features, np.ndarray[Any, Any]]:
    """Pictures of a line, lying or standing, anywhere; beside them a number that tells nothing."""
    random = np.random.default_rng(seed)
    pictures = random.normal(0, 0.3, (n, 8, 7, 1))
    stands = random.integers(0, 2, n)
    for row, is_standing in enumerate(stands):
        if is_standing:
            pictures[row, :, random.integers(0, 7)] += 1
        else:
            pictures[row, random.integers(0, 8)] += 1
    numeric = np.concatenate([random.normal(size=(n, 1)), pictures.reshape(n, -1)], axis=1).astype(np.float32)
    names = tuple(f"x#{k}" for k in range(57))
    features = Features(numeric, np.zeros((n, 0), np.int32), names, (), (), ((1, (8, 7, 1)),))
    return features, stands.astype(np.int64)


def test_the_network_sees_what_a_model_of_pixels_does_not(tmp_path: Path) -> None:
    (train, target), (validation, held), (test, truth) = bars(400, 0), bars(100, 1), bars(300, 2)
    right = {}
    for name, settings in (
        ("torch.cnn", {"channels": [8, 16], "hidden": [], "epochs": 8, "batch_size": 32, "bins": 4}),
        ("logistic_regression", {}),
    ):
        model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
        training = Training(
            features=train,
            target=target,
            validation=validation,
            validation_target=held,
            task="binary_classification",
            classes=2,
            seed=0,
            device="cpu",
            threads=1,
            checkpoints=tmp_path / "checkpoints" / name,
            progress=lambda *_: None,
        )
        model.fit(training, tmp_path / name)
        told = model.load(tmp_path / name, "cpu").predict(test)
        right[name] = float((told.argmax(axis=1) == truth).mean())
        size = sum(file.stat().st_size for file in (tmp_path / name).iterdir())
        least = model.least_bytes((), 2)
        assert least is None or least < size
    assert right["torch.cnn"] > 0.9
    assert right["logistic_regression"] < 0.75
