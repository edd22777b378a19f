"""Estimators of scikit-learn's kind: what a plug-in names is what is saved and read back, and nothing else is built."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier

from mlspec import sklearnkit
from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features

ROWS = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
TARGET = (ROWS[:, 0] > 0).astype(np.int64)
FEATURES = Features(ROWS, np.zeros((60, 0), np.int32), ("a", "b", "c"), (), ())
TREES = ("sklearn.tree._classes.ExtraTreeClassifier", "sklearn.tree._tree.Tree")
FOREST = ("sklearn.ensemble._forest.ExtraTreesClassifier", *TREES)
BOOSTED = (
    "sklearn.ensemble._gb.GradientBoostingClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor",
    "sklearn.tree._tree.Tree",
    "sklearn.dummy.DummyClassifier",
    *(f"sklearn._loss.{name}" for name in ("link.Interval", "link.LogitLink", "loss.HalfBinomialLoss")),
)


def forest() -> ExtraTreesClassifier:
    return ExtraTreesClassifier(n_estimators=5, random_state=0).fit(ROWS, TARGET)


def test_fitting_names_the_types_that_the_plug_in_does_not(tmp_path: Path) -> None:
    wanted = (
        "the fitted ExtraTreesClassifier is made of more types than named: "
        "sklearn.tree._classes.ExtraTreeClassifier, sklearn.tree._tree.Tree"
    )
    with pytest.raises(StepError, match=f"^{wanted}$"):
        sklearnkit.save(forest(), tmp_path, FOREST[:1], classes=2)
    assert list(tmp_path.iterdir()) == []


def test_what_a_package_holds_beyond_the_installed_plug_ins_types_is_not_built(tmp_path: Path) -> None:
    sklearnkit.save(forest(), tmp_path, FOREST, classes=2)
    answer = sklearnkit.load(tmp_path, FOREST).predict(FEATURES)
    assert (answer.argmax(axis=1) == TARGET).all()
    with pytest.raises(ValueError, match=r"holds types that are not trusted: sklearn.tree._tree.Tree$"):
        sklearnkit.load(tmp_path, FOREST[:2])
    # A file that says what to trust is believed by nobody.
    (tmp_path / "model.json").write_text('{"classes": 2, "trusted": ["sklearn.tree._tree.Tree"]}')
    with pytest.raises(ValueError, match="holds types that are not trusted"):
        sklearnkit.load(tmp_path, FOREST[:2])


def test_a_node_that_points_out_of_its_tree_is_found_in_any_forest(tmp_path: Path) -> None:
    estimator = forest()
    tree = estimator.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"]["left_child"][0] = 10_000
    tree.__setstate__(state)
    sklearnkit.save(estimator, tmp_path, FOREST, classes=2)
    with pytest.raises(ValueError, match="the saved trees are damaged: a node points to nowhere"):
        sklearnkit.load(tmp_path, FOREST)


def test_trees_that_nothing_here_can_check_need_a_check_of_their_own(tmp_path: Path) -> None:
    estimator = GradientBoostingClassifier(n_estimators=3, random_state=0).fit(ROWS, TARGET)
    for part in (estimator, *estimator.estimators_.ravel()):
        part.__dict__.pop("_rng", None)
        part.random_state = None  # a generator's state is nothing that is read back
    sklearnkit.save(estimator, tmp_path, BOOSTED, classes=2)
    with pytest.raises(ValueError, match="nothing checks the trees of a GradientBoostingClassifier"):
        sklearnkit.load(tmp_path, BOOSTED)
    looked: list[str] = []
    loaded = sklearnkit.load(tmp_path, BOOSTED, lambda one: looked.append(type(one).__name__))
    assert loaded.predict(FEATURES).shape == (60, 2)
    assert looked == ["GradientBoostingClassifier"]


def test_saving_a_linear_model_imports_neither_all_of_scikit_learn_nor_torch(tmp_path: Path) -> None:
    code = f"""
import sys
import subprocess
import sys
from pathlib import Path
from sklearn.linear_model import Ridge
from mlspec import sklearnkit
folder = Path({str(tmp_path)!r})
sklearnkit.save(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]), folder, ["sklearn.linear_model._ridge.Ridge"], classes=0)
sklearnkit.load(folder, ["sklearn.linear_model._ridge.Ridge"])
print(sorted({{"torch", "sklearn.gaussian_process", "sklearn.neural_network"}} & set(sys.modules)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
