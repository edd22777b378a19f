"""Checks the trees of fitted estimators: scikit-learn follows the numbers in their nodes without a check."""

import itertools
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_CATEGORIES = 256
TREES = frozenset({"sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"})


def check(estimator: Any, made_of: Collection[str]) -> None:
    """Raises ValueError where a tree in an estimator, which is ``made_of`` these types, is damaged; and where it has
    trees that nothing here can check."""
    if not any(name.startswith(("sklearn.ensemble.", "sklearn.tree.")) for name in made_of):
        return
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.ensemble._forest import BaseForest
    from sklearn.tree import BaseDecisionTree

    if isinstance(estimator, BaseForest | BaseDecisionTree):
        forest(estimator)
    elif isinstance(estimator, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
        boosting(estimator)
    elif not TREES.isdisjoint(made_of):
        raise ValueError(f"nothing checks the trees of a {type(estimator).__name__}")


def forest(estimator: Any) -> None:
    """Raises ValueError where a node of a forest, or of a single tree, points out of its tree, back, or at a column
    that isn't there."""
    for one in getattr(estimator, "estimators_", [estimator]):
        tree = one.tree_
        inner = tree.children_left != -1
        _inside((tree.children_left, tree.children_right), inner, tree.feature, estimator.n_features_in_)
        if tree.n_features != estimator.n_features_in_:
            raise ValueError("the saved trees are damaged: they read other columns")


def boosting(estimator: Any) -> None:
    """Raises ValueError where a node of boosted trees points out of its tree, back, at a column or a set of categories
    that isn't there, or a category is out of bounds."""
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    columns, mapper = int(estimator.n_features_in_), estimator._bin_mapper
    categorical = np.asarray(mapper.is_categorical_).astype(bool)
    if categorical.shape != (columns,) or len(mapper.bin_thresholds_) != columns:
        raise ValueError("the saved trees are damaged: their categories are of other columns")
    for known in itertools.compress(mapper.bin_thresholds_, categorical):
        known = np.asarray(known)
        if known.ndim != 1 or not ((known >= 0) & (known < MOST_CATEGORIES)).all():
            raise ValueError("the saved trees are damaged: a category is out of bounds")
    for iteration in estimator._predictors:
        for predictor in iteration:
            nodes, sets = predictor.nodes, predictor.raw_left_cat_bitsets
            if nodes.dtype != PREDICTOR_RECORD_DTYPE or nodes.ndim != 1 or sets.dtype != np.uint32 or sets.ndim != 2:
                raise ValueError("the saved trees are damaged: they hold no nodes")
            inner = nodes["is_leaf"] == 0
            by_set = inner & (nodes["is_categorical"] != 0)
            children = (nodes["left"].astype(np.int64), nodes["right"].astype(np.int64))
            _inside(children, inner, nodes["feature_idx"], columns)
            fits = nodes["bitset_idx"][by_set] < len(sets)
            if not fits.all() or not categorical[nodes["feature_idx"][by_set]].all() or sets.shape[1:] != (8,):
                raise ValueError("the saved trees are damaged: a node asks for categories that are not there")


def _inside(children: "tuple[Array, Array]", inner: "Array", features: "Array", columns: int) -> None:
    import numpy as np

    count, place = len(inner), np.flatnonzero(inner)
    sound = count > 0 and ((features[inner] >= 0) & (features[inner] < columns)).all()
    for side in children:
        # A node comes before those below it, so that no way leads in a circle.
        sound = sound and ((side[inner] > place) & (side[inner] < count)).all()
    if not sound:
        raise ValueError("the saved trees are damaged: a node points to nowhere")
