"""Fitted estimators of scikit-learn as nodes of an ONNX graph."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.onnxkit import forms, trees
from mlspec.onnxkit.forms import Prepared
from mlspec.onnxkit.graph import Graph
from mlspec.onnxkit.trees import Tree
from mlspec.sklearnkit.archives import estimator

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def linear(folder: Path, types: Sequence[str], graph: Graph, features: Prepared) -> str:
    """A linear model of a number, or of classes."""
    import numpy as np

    fitted, classes = estimator(folder, types)
    rows = features.all(graph)
    weights = np.atleast_2d(np.asarray(fitted.coef_, np.float64)).T
    found = graph.add("MatMul", rows, graph.constant(weights))
    found = graph.add("Add", found, graph.constant(np.asarray(fitted.intercept_, np.float64).reshape(1, -1)))
    if not classes:
        return forms.refusing(graph, graph.column(found, 0), rows, missing=False, vector=True)
    known = np.asarray(fitted.classes_, np.int64)
    if type(fitted).__name__ == "SGDClassifier" and len(known) > 2:  # one against the rest, scaled to 1
        raised = graph.add("Sigmoid", found)
        made = graph.add("Div", raised, graph.total(raised, keep=True))
    else:
        made = forms.of_logits(graph, found, len(known))
    made = forms.with_all_classes(graph, made, known, classes)
    return forms.refusing(graph, made, rows, missing=False, vector=False)


def forest(folder: Path, types: Sequence[str], graph: Graph, features: Prepared) -> str:
    """The mean of trees."""
    import numpy as np

    fitted, classes = estimator(folder, types)
    rows, grown = features.all(graph), [one.tree_ for one in fitted.estimators_]
    takes_missing = not any(bool(np.isnan(tree.threshold).any()) for tree in grown)
    found = [_tree(tree, len(grown)) for tree in grown]
    if not classes:
        mean = graph.column(trees.ensemble(graph, rows, features, found, 1), 0)
        return forms.refusing(graph, mean, rows, missing=takes_missing, vector=True)
    known = np.asarray(fitted.classes_, np.int64)
    if len(known) == 2:
        positive = trees.ensemble(graph, rows, features, found, 1)
        made = forms.both(graph, graph.column(positive, 0))
    else:
        leaves = [tree.value[tree.children_left < 0, 0, :] for tree in grown]
        table = np.concatenate([own / own.sum(axis=1, keepdims=True) for own in leaves]) / len(grown)
        made = trees.looked_up(graph, rows, features, found, table)
    made = forms.with_all_classes(graph, made, known, classes)
    return forms.refusing(graph, made, rows, missing=takes_missing, vector=False)


def _tree(tree: Any, count: int) -> Tree:
    """A tree of a forest of so many: its share of the value, or of the last class's probability."""
    import numpy as np

    inner = tree.children_left >= 0
    place = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))  # among splits, or among leaves
    values = tree.value[~inner, 0, :]
    if values.shape[1] > 1:
        values = values / values.sum(axis=1, keepdims=True)
    return Tree(
        tree.feature[inner],
        tree.threshold[inner],
        place[tree.children_left[inner]],
        place[tree.children_right[inner]],
        np.asarray(tree.missing_go_to_left)[inner].astype(bool),
        values[:, -1] / count,
    )


def boosting(folder: Path, types: Sequence[str], graph: Graph, features: Prepared) -> str:
    """Boosted trees on histograms."""
    import numpy as np

    fitted, classes = estimator(folder, types)
    base = np.asarray(fitted._baseline_prediction, np.float64).reshape(-1)
    rows, found = features.all(graph), list(_boosted(fitted, features))
    logits = trees.ensemble(graph, rows, features, found, len(base))
    logits = graph.add("Add", logits, graph.constant(base[None, :]))
    if not classes:
        return graph.column(logits, 0)
    known = np.asarray(fitted.classes_, np.int64)
    return forms.with_all_classes(graph, forms.of_logits(graph, logits, len(known)), known, classes)


def _boosted(fitted: Any, features: Prepared) -> Iterator[Tree]:
    """The trees; their categories are those of the raw codes."""
    import numpy as np

    columns, known = _columns(fitted, features)
    for iteration in fitted._predictors:
        for target, predictor in enumerate(iteration):
            nodes = predictor.nodes
            inner = nodes["is_leaf"] == 0
            place = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
            splits, members = nodes[inner], dict[int, Sequence[int]]()
            for at in np.flatnonzero(splits["is_categorical"]).tolist():
                split = splits[at]
                column = int(split["feature_idx"])
                words = predictor.raw_left_cat_bitsets[split["bitset_idx"]]
                members[at] = [
                    code
                    for code, level in enumerate(known[column])
                    if (int(words[level // 32]) >> level % 32 & 1 if level >= 0 else split["missing_go_to_left"])
                ]
            yield Tree(
                columns[splits["feature_idx"].astype(np.int64)],
                splits["num_threshold"],
                place[splits["left"].astype(np.int64)],
                place[splits["right"].astype(np.int64)],
                splits["missing_go_to_left"].astype(bool),
                nodes["value"][~inner],
                target,
                members,
            )


def _columns(fitted: Any, features: Prepared) -> "tuple[Array, dict[int, list[int]]]":
    """Which column each of the estimator's own is, and what each code of a category is there; -1: none that it knows.

    Categories come first there, numbered again.
    """
    import numpy as np

    categorical = fitted.is_categorical_
    if categorical is None:
        return np.arange(features.columns), {}
    first = features.columns - len(features.levels)
    mask = np.asarray(categorical, bool)
    raw = np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])
    known: dict[int, list[int]] = {}
    encoder = fitted._preprocessor.named_transformers_["encoder"]
    thresholds = fitted._bin_mapper.bin_thresholds_
    for place, levels in enumerate(encoder.categories_):
        there = {int(level): number for number, level in enumerate(levels) if level == level}
        binned = {int(one) for one in thresholds[place]}
        codes = range(features.levels[int(raw[place]) - first])
        known[place] = [there[code] if there.get(code, -1) in binned else -1 for code in codes]
    return raw, known
