import json
import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from msgspec import structs
from tests import hardware

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.models import _user_code
from mlspec.plugins.base import Column
from mlspec.plugins.model import Features, Model, Training

TASKS = {"binary_classification": 2, "multiclass_classification": 3, "regression": 0}
LEVELS = (5, 7)


def features(n: int, seed: int) -> Features:
    generator = np.random.default_rng(seed)
    numeric = generator.normal(size=(n, 3)).astype(np.float32)
    codes = np.stack([generator.integers(0, count, n) for count in LEVELS], axis=1).astype(np.int32)
    return Features(numeric, codes, ("a", "b", "c"), ("d", "e"), LEVELS)


def target(rows: Features, classes: int) -> np.ndarray:
    values = rows.numeric[:, 0] + 0.8 * rows.codes[:, 0] - np.abs(rows.numeric[:, 1])
    if not classes:
        return values.astype(np.float64)
    edges = np.quantile(values, np.linspace(0, 1, classes + 1)[1:-1])
    return np.searchsorted(edges, values).astype(np.int64)


def training(folder: Path, task: str = "binary_classification", **changed: Any) -> Training:
    train, validation, classes = features(1200, 0), features(300, 1), TASKS[task]
    given: dict[str, Any] = {
        "features": train,
        "target": target(train, classes),
        "validation": validation,
        "validation_target": target(validation, classes),
        "task": task,
        "classes": classes,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
        "checkpoints": folder / "checkpoints",
        "progress": lambda *_: None,
    }
    return Training(**{**given, **changed})


def model(name: str, **settings: Any) -> Model:
    quick = {
        "torch.mlp": {"epochs": 12, "hidden": [32], "bins": 8, "batch_size": 64, "learning_rate": 0.01},
        "torch.resnet": {"epochs": 12, "units": 32, "inner": 32, "bins": 8, "batch_size": 64, "learning_rate": 0.01},
        "torch.tabm": {"epochs": 12, "members": 4, "hidden": [32], "bins": 8, "batch_size": 64, "learning_rate": 0.01},
        "torch.ft_transformer": {
            "epochs": 12,
            "layers": 1,
            "heads": 2,
            "bins": 8,
            "batch_size": 64,
            "learning_rate": 0.01,
        },
        "hist_gradient_boosting": {"max_iter": 60},
        "lightgbm": {"trees": 80, "learning_rate": 0.1},
        "random_forest": {"trees": 30},
        "extra_trees": {"trees": 30},
        "catboost": {"trees": 80, "learning_rate": 0.1},
    }
    made = msgspec.convert({**quick.get(name, {}), **settings}, registry.plugin("models", name))
    assert isinstance(made, Model)
    return made


MADE = [
    (name, task)
    for name in registry.names("models")
    if name != "python" and (name != "catboost" or find_spec("catboost"))
    for task in sorted(model(name).tasks)
]
CONTINUES = sorted({name for name, _task in MADE if registry.plugin("models", name).continues})


@pytest.mark.parametrize("name", CONTINUES)
def test_a_training_that_goes_on_from_a_fitted_model_keeps_what_that_knows(name: str, tmp_path: Path) -> None:
    """Few rows whose values all lie higher: going on learns that and forgets nothing, which few rows don't teach."""
    given, few, others = training(tmp_path, "regression"), features(100, 2), features(400, 3)
    model(name).fit(given, tmp_path / "first")
    higher = msgspec.structs.replace(
        given,
        features=few,
        target=target(few, 0) + 1,
        validation=features(50, 4),
        validation_target=target(features(50, 4), 0) + 1,
        checkpoints=tmp_path / "alone",
    )
    model(name).fit(higher, tmp_path / "fresh")
    start, checkpoints = tmp_path / "first", tmp_path / "on"
    model(name).fit(msgspec.structs.replace(higher, start=start, checkpoints=checkpoints), tmp_path / "further")
    loss = {
        folder: ((model(name).load(tmp_path / folder, "cpu").predict(others) - target(others, 0) - 1) ** 2).mean()
        for folder in ("first", "fresh", "further")
    }
    assert loss["further"] < min(loss["first"], loss["fresh"]), loss


@pytest.mark.slow
def test_equal_fits_are_equal_bytes_whatever_the_process(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import hashlib, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_models as t
        for number, (name, task) in enumerate(t.MADE):
            folder = Path(sys.argv[1]) / str(number)
            t.model(name).fit(t.training(folder, task), folder / "model")
            for file in sorted((folder / "model").iterdir()):
                print(name, task, file.name, hashlib.sha256(file.read_bytes()).hexdigest())
        """
    )
    seen = []
    for attempt in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": attempt, "OMP_NUM_THREADS": attempt}
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                ("import scipy.stats\n" if attempt == "2" else "") + script,
                str(tmp_path / attempt),
            ],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            env=environment,
            check=True,
        )
        seen.append(done.stdout.splitlines())
    assert len(seen[0]) == 2 * len(MADE)
    assert seen[0] == seen[1]


def test_boosting_says_how_to_fix_too_many_levels(tmp_path: Path) -> None:
    wide = msgspec.structs.replace(features(1200, 0), levels=(5, 300))
    with pytest.raises(StepError, match=r"column 'e' has 300 levels.*put \{group_rare: \{max_levels: 254\}\}"):
        model("hist_gradient_boosting").fit(training(tmp_path, features=wide), tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "share"), [("hist_gradient_boosting", "max_features"), ("lightgbm", "feature_fraction")]
)
def test_a_column_that_no_training_row_has_changes_nothing(name: str, share: str, tmp_path: Path) -> None:
    boosting = model(name, **{share: 1.0})  # with a share of the columns, it changes which are drawn
    given = training(tmp_path)
    empty = np.column_stack([np.full(1200, np.nan, np.float32), given.features.numeric])
    late = np.column_stack([np.ones(300, np.float32), given.validation.numeric])
    names = ("late", *given.features.numeric_names)
    changed = {"features": empty, "validation": late}
    more = {key: structs.replace(getattr(given, key), numeric=m, numeric_names=names) for key, m in changed.items()}
    boosting.fit(structs.replace(given, **more), tmp_path / "more")
    boosting.fit(given, tmp_path / "less")
    answers = [
        boosting.load(tmp_path / folder, "cpu").predict(rows)
        for folder, rows in (("more", more["validation"]), ("less", given.validation))
    ]
    np.testing.assert_allclose(*answers, atol=1e-6)
    assert np.isnan(empty[:, 0]).all(), "what it was given is as it was"


def test_boosting_takes_missing_numbers_and_the_network_names_them(tmp_path: Path) -> None:
    given = training(tmp_path)
    given.features.numeric[::7, 1] = np.nan
    model("hist_gradient_boosting").fit(given, tmp_path / "model")
    with pytest.raises(StepError, match="missing or infinite numbers, but there are some in 'b': impute them"):
        model("torch.mlp").fit(given, tmp_path / "other")


def test_what_an_estimator_refuses_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="LogisticRegression could not be fitted"):
        model("logistic_regression").fit(training(tmp_path, target=np.zeros(1200, dtype=np.int64)), tmp_path / "model")


@pytest.mark.parametrize("bins", [0, 12])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_the_least_size_of_a_network_is_known_before_training(bins: int, classes: int, tmp_path: Path) -> None:
    task = next(task for task, count in TASKS.items() if count == classes)
    made = model("torch.mlp", bins=bins, epochs=1)
    made.fit(training(tmp_path, task), tmp_path / "model")
    numeric = tuple(Column(name, "number") for name in "abc")
    codes = tuple(Column(name, "code", levels=count) for name, count in zip("de", LEVELS, strict=True))
    least = made.least_bytes(numeric + codes, classes)
    size = (tmp_path / "model" / "model.safetensors").stat().st_size
    assert least is not None
    assert size - 4096 < least <= size
    unknown = (*numeric[:2], Column("c", "number", width=None), codes[0], Column("e", "code", levels=None))
    assert 0 < (made.least_bytes(unknown, classes) or 0) < least


@pytest.mark.cuda
def test_the_network_trains_on_a_gpu_and_predicts_the_same_on_the_cpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        hardware.skip("torch sees no CUDA device")
    given = training(tmp_path, device="cuda")
    model("torch.mlp").fit(given, tmp_path / "model")
    predictions = [
        model("torch.mlp").load(tmp_path / "model", place).predict(given.validation) for place in ("cuda", "cpu")
    ]
    np.testing.assert_allclose(predictions[0], predictions[1], atol=1e-4)


SOURCE = """
import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin

class Nearest(ClassifierMixin, BaseEstimator):
    def __init__(self, power=2):
        self.power = power
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.centres_ = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        return self
    def predict_proba(self, X):
        away = (np.abs(X[:, None] - self.centres_) ** self.power).sum(axis=2)
        near = 1 / (away + 1e-9)
        return near / near.sum(axis=1, keepdims=True)

class Net(torch.nn.Module):
    def __init__(self, inputs, outputs, width=16):
        super().__init__()
        self.first = torch.nn.Linear(inputs, width)
        self.last = torch.nn.Linear(width, outputs)
    def forward(self, rows):
        return self.last(self.first(rows).relu())

class Half:
    def fit(self, X, y):
        return self
"""


def fit_own(root: Path, code: str, folder: Path, task: str = "binary_classification", **params: Any) -> np.ndarray:
    made = model("python", code=code, params=params, epochs=5, learning_rate=0.02)
    given = training(folder, task)
    with _user_code.importable(root):
        made.fit(given, folder / "model")
    return made.load(folder / "model", "cpu").predict(given.validation)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "own_models.py").write_text(SOURCE)
    return folder


@pytest.mark.parametrize(
    ("code", "task"), [("own_models:Nearest", "binary_classification"), *(("own_models:Net", task) for task in TASKS)]
)
def test_a_model_of_ones_own_travels_with_its_source(code: str, task: str, root: Path, tmp_path: Path) -> None:
    prediction = fit_own(root, code, tmp_path / "run", task)
    assert len(prediction) == 300
    (root / "own_models.py").unlink()
    loaded = model("python", code=code).load(tmp_path / "run" / "model", "cpu")
    np.testing.assert_array_equal(loaded.predict(training(tmp_path, task).validation), prediction)
    suffixes = {path.suffix for path in (tmp_path / "run" / "model").rglob("*") if path.is_file()}
    assert suffixes <= {".py", ".json", ".skops", ".safetensors"}


def test_changed_code_of_the_same_name_is_read_again(root: Path, tmp_path: Path) -> None:
    first = fit_own(root, "own_models:Nearest", tmp_path / "first")
    (root / "own_models.py").write_text(SOURCE.replace("near = 1 / (away + 1e-9)", "near = np.ones_like(away)"))
    second = fit_own(root, "own_models:Nearest", tmp_path / "second")
    assert (second == 0.5).all()
    again = model("python", code="own_models:Nearest").load(tmp_path / "first" / "model", "cpu")
    np.testing.assert_array_equal(again.predict(training(tmp_path).validation), first)


@pytest.mark.parametrize(
    ("code", "params", "message"),
    [
        ("nowhere:Net", {}, "cannot import 'nowhere' for 'nowhere:Net': ModuleNotFoundError"),
        ("own_models:Nett", {}, "module 'own_models' has no class 'Nett'"),
        ("own_models:Half", {}, "'Half' has no method 'predict_proba'"),
        ("own_models:Nearest", {"powr": 3}, "'Nearest' can't be built with these params"),
        ("own_models:Net", {"wide": 3}, r"'Net' can't be built as Net\(inputs, outputs, \*\*params\)"),
    ],
)
def test_code_that_is_unavailable_is_a_message(
    code: str, params: dict[str, Any], message: str, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match=message):
        fit_own(root, code, tmp_path / "run", **params)


def test_a_saved_estimator_of_a_type_nobody_named_is_not_built(root: Path, tmp_path: Path) -> None:
    fit_own(root, "own_models:Nearest", tmp_path / "run")
    (tmp_path / "run" / "model" / "model.json").write_text(json.dumps({"classes": 2, "trusted": []}))
    with pytest.raises(StepError, match="types that are not trusted"):
        model("python", code="own_models:Nearest").load(tmp_path / "run" / "model", "cpu")


@pytest.mark.parametrize(
    ("name", "task"), [one for one in MADE if one not in (("ridge", "regression"), ("linear", "regression"))]
)
def test_a_fit_that_has_no_time_says_so_and_stops_after_its_first_rounds(name: str, task: str, tmp_path: Path) -> None:
    history = model(name).fit(training(tmp_path, task, seconds=0.0), tmp_path / "model")
    assert history["stopped"] == "time"
    assert next(history[rounds] for rounds in ("iterations", "trees", "epochs") if rounds in history) == 1


def test_smoothed_labels_give_less_confident_probabilities_that_rank_rows_alike(tmp_path: Path) -> None:
    answers = []
    for smoothing in (0.0, 0.3):
        given = training(tmp_path, checkpoints=tmp_path / f"{smoothing}.checkpoints")
        plain = model("torch.mlp", label_smoothing=smoothing)
        plain.fit(given, tmp_path / f"{smoothing}")
        answers.append(plain.load(tmp_path / f"{smoothing}", "cpu").predict(given.validation)[:, 1])
    sharp, smooth = answers
    assert np.quantile(smooth, 0.9) < 0.9 < np.quantile(sharp, 0.9)
    assert np.corrcoef(sharp.argsort().argsort(), smooth.argsort().argsort())[0, 1] > 0.95


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
def test_a_forest_is_the_same_whatever_the_threads(name: str, tmp_path: Path) -> None:
    given, plain = training(tmp_path, "regression"), model(name, trees=8)
    for threads in (1, 3):
        plain.fit(structs.replace(given, threads=threads), tmp_path / f"{threads}")
    assert len({(tmp_path / name / "model.skops").read_bytes() for name in ("1", "3")}) == 1


def test_a_column_that_only_tells_by_what_is_missing_is_read_back(tmp_path: Path) -> None:
    """LightGBM splits it at infinity: values on one side, missing ones on the other."""
    codes = np.zeros((200, 0), np.int32)
    rows = Features(np.where(np.arange(200) % 3, np.nan, 1.0).astype(np.float32)[:, None], codes, ("a",), (), ())
    truth = (np.arange(200) % 3 == 0).astype(np.int64)
    model = registry.plugin("models", "lightgbm")(trees=20)
    found = Training(
        features=rows, target=truth, validation=rows, validation_target=truth, task="binary_classification", classes=2,
        seed=0, device="cpu", threads=1, checkpoints=tmp_path / "c", progress=lambda *_: None,
    )  # fmt: skip
    model.fit(found, tmp_path)
    assert "threshold=inf" in (tmp_path / "model.txt").read_text()
    assert (model.load(tmp_path, "cpu").predict(rows).argmax(axis=1) == truth).all()
