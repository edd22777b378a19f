"""LightGBM's text format: looked at before LightGBM reads it, which follows its numbers without looking."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlspec.onnxkit.graph import NoOnnxForm
from mlspec.onnxkit.trees import Tree

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_LEAVES = 131_072
END = "end of trees"
HEAD = ("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective")
NAMES = ("feature_names", "feature_infos")
OF_SPLITS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
OF_CATEGORIES = ("cat_boundaries", "cat_threshold")
CATEGORICAL, TO_LEFT = 1, 2  # bits of a decision
MISSING_IS_ZERO, MISSING_IS_NAN = 1, 2  # its bits 2 and 3
# Only what every reader takes for the same numbers.
_INTEGER, _FLOAT = r"-?[0-9]{1,10}", r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_THRESHOLD = rf"(?:{_FLOAT}|-?inf)"  # infinite: all values on one side, missing ones on the other
INTEGERS, FLOATS, THRESHOLDS = (re.compile(rf"{number}(?: {number})*") for number in (_INTEGER, _FLOAT, _THRESHOLD))


def checked(text: str, classes: int) -> str:
    """What LightGBM needs of a model's text to predict, for ``classes`` (0: numbers), and nothing else of it.

    Raises ValueError where a tree points out of itself, back, or at a column that isn't there, a list is not of its
    length, or the model is of another kind than is written here.
    """
    body, found, _rest = text.partition(f"\n{END}")
    head, *texts = body.split("\nTree=")
    about = _pairs(head)
    if not found or not head.startswith("tree\n") or not re.fullmatch(r"v[0-9]{1,3}", about.get("version", "")):
        raise ValueError("it is not LightGBM's text format")
    columns = _number(about, "max_feature_idx", 1 << 24) + 1
    per_iteration = classes if classes > 2 else 1
    stated = (_number(about, "num_class", 1 << 20), _number(about, "num_tree_per_iteration", 1 << 20))
    objective = {0: "regression", 2: "binary sigmoid:1"}.get(classes, f"multiclass num_class:{classes}")
    if stated != (per_iteration, per_iteration) or about.get("objective") != objective:
        raise ValueError("it answers another question than the package says")
    if any(about.get(name, "").count(" ") != columns - 1 for name in NAMES):
        raise ValueError("its columns have other names than there are columns")
    trees = [_pairs(tree) for tree in texts]
    if not trees or len(trees) % per_iteration:
        raise ValueError("trees are missing")
    _look(trees, columns)
    lines = ["tree", *(f"{key}={about[key]}" for key in (*HEAD, *NAMES) if key in about), ""]
    for number, tree in enumerate(trees):
        kept = ("num_leaves", "num_cat", *OF_SPLITS, "leaf_value", *(OF_CATEGORIES if tree["num_cat"] != "0" else ()))
        lines += [f"Tree={number}", *(f"{key}={tree[key]}" for key in kept), "is_linear=0", "shrinkage=1", "", ""]
    return "\n".join([*lines, END, ""])


def as_trees(text: str, targets: int) -> list[Tree]:
    """The trees of a text that was ``checked``; the first one adds to the first of so many targets."""
    import numpy as np

    found = []
    for number, part in enumerate(text.partition(f"\n{END}")[0].split("\nTree=")[1:]):
        tree = _pairs(part)
        leaves = int(tree["num_leaves"])
        column, threshold, decision, left, right = (_numbers([tree], key, [leaves - 1]) for key in OF_SPLITS)
        kind, by_set = decision >> 2, decision & CATEGORICAL == CATEGORICAL
        if (kind[~by_set] == MISSING_IS_ZERO).any():
            raise NoOnnxForm("LightGBM takes 0 as missing in it")
        missing = np.where(kind == MISSING_IS_NAN, decision & TO_LEFT == TO_LEFT, threshold >= 0) & ~by_set
        members: dict[int, Sequence[int]] = {}
        if by_set.any():
            ends = _numbers([tree], "cat_boundaries", [int(tree["num_cat"]) + 1])
            words = _numbers([tree], "cat_threshold", [int(ends[-1])])
            for at in np.flatnonzero(by_set).tolist():
                place = int(threshold[at])
                members[at] = _codes(words[ends[place] : ends[place + 1]])
        values = _numbers([tree], "leaf_value", [leaves])
        found.append(Tree(column, threshold, left, right, missing, values, number % targets, members))
    return found


def _codes(words: "Array") -> list[int]:
    """The bits that are set."""
    return [32 * at + bit for at, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1]


def _look(trees: Sequence[dict[str, str]], columns: int) -> None:
    """Raises ValueError where trees don't fit together; all of them at once, which takes a tenth of the time."""
    import numpy as np

    leaves = [_number(tree, "num_leaves", MOST_LEAVES) for tree in trees]
    sets = [_number(tree, "num_cat", MOST_LEAVES) for tree in trees]
    if min(leaves) < 1 or any(tree.get("is_linear", "0") != "0" for tree in trees):
        raise ValueError("a tree is of another kind")
    splits = [count - 1 for count in leaves]
    feature, threshold, decision, left, right = (_numbers(trees, key, splits) for key in OF_SPLITS)
    _numbers(trees, "leaf_value", leaves)
    inner, most = np.concatenate([np.arange(n) for n in splits]), np.repeat(splits, splits)
    for child in (left, right):
        # A split comes before those below it, so that no way leads in a circle.
        if not np.where(child >= 0, (child > inner) & (child < most), ~child <= most).all():
            raise ValueError("a split leads to nowhere")
    if not ((feature >= 0) & (feature < columns)).all():
        raise ValueError("a split is at a column that is not there")
    by_set = decision & CATEGORICAL == CATEGORICAL
    there = (threshold >= 0) & (threshold < np.repeat(sets, splits))
    if not ((decision >= 0) & (decision < 16)).all() or not there[by_set].all():
        raise ValueError("a split is of an unknown kind")
    grouped = [(tree, count) for tree, count in zip(trees, sets, strict=True) if count]
    for tree, count in grouped:
        ends = _numbers([tree], "cat_boundaries", [count + 1])
        _numbers([tree], "cat_threshold", [int(ends[-1])])
        if ends[0] != 0 or not (np.diff(ends) >= 0).all():
            raise ValueError("categories are not in order")


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def _number(about: dict[str, str], key: str, most: int) -> int:
    text = about.get(key, "")
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > most:
        raise ValueError(f"{key} is no count")
    return int(text)


def _numbers(trees: Sequence[dict[str, str]], key: str, counts: Sequence[int]) -> "Array":
    """The numbers under a key, of all trees, one after the other."""
    import numpy as np

    texts = [tree.get(key, "") for tree in trees]
    if any((text.count(" ") + 1 if text else 0) != count for text, count in zip(texts, counts, strict=True)):
        raise ValueError(f"{key} has more or fewer numbers than there should be")
    joined = " ".join(text for text in texts if text)
    allowed = {"threshold": THRESHOLDS, "leaf_value": FLOATS}.get(key, INTEGERS)
    if joined and not allowed.fullmatch(joined):
        raise ValueError(f"{key} has what is no number")
    return np.fromstring(joined, dtype=np.int64 if allowed is INTEGERS else np.float64, sep=" ")
