"""Ensembles of trees as one node.

Thresholds and leaves are doubles: rounded to float32, a threshold sends the rows that are exactly on it the other way.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mlspec.onnxkit.forms import Prepared
from mlspec.onnxkit.graph import ML, Graph

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

AT_MOST, MEMBER = 0, 6  # kinds of splits


class Tree(Struct, frozen=True):
    """A tree by its splits, the first one at the top: a row goes left where its column is at most the ``threshold``, or
    (``members`` has the split) in that set of codes. A missing number goes left where ``missing`` says so.

    ``left`` and ``right`` are splits, or leaves: ~0 is the first one. ``values`` (leaves,) are added to ``target``.
    """

    column: "Array"
    threshold: "Array"
    left: "Array"
    right: "Array"
    missing: "Array"
    values: "Array"
    target: int = 0
    members: dict[int, Sequence[int]] = {}


def ensemble(graph: Graph, rows: str, features: Prepared, trees: Sequence[Tree], targets: int) -> str:
    """The sums of the trees' leaves by target: (rows, targets) double."""
    import numpy as np
    from onnx import numpy_helper

    alone = [tree for tree in trees if not len(tree.column)]
    grown = [tree for tree in trees if len(tree.column)]
    base = np.zeros(targets)
    for tree in alone:
        base[tree.target] += tree.values[0]
    if not grown:  # a number for every row
        zero = graph.chain(
            graph.total(graph.chain(graph.cast(graph.add("IsNaN", rows), "float64"), ("Mul", 0.0)), keep=True)
        )
        return graph.add("Add", zero, graph.constant(base[None, :]))
    splits = np.concatenate([[0], np.cumsum([len(tree.column) for tree in grown])])
    leaves = np.concatenate([[0], np.cumsum([len(tree.values) for tree in grown])])
    columns, thresholds = (np.concatenate([getattr(tree, name) for tree in grown]) for name in ("column", "threshold"))
    children, are_leaves = [], []
    for side in ("left", "right"):
        own = [np.asarray(getattr(tree, side), np.int64) for tree in grown]
        children.append(
            np.concatenate(
                [
                    np.where(at >= 0, at + split, ~at + leaf)
                    for at, split, leaf in zip(own, splits, leaves, strict=False)
                ]
            )
        )
        are_leaves.append(np.concatenate([at < 0 for at in own]))
    members = {
        split + at: codes for tree, split in zip(grown, splits, strict=False) for at, codes in tree.members.items()
    }
    modes = np.full(len(columns), AT_MOST, np.uint8)
    modes[list(members)] = MEMBER
    thresholds = np.where(modes == MEMBER, 0.0, thresholds)
    for column in np.unique(columns[modes == AT_MOST]).tolist():
        own = thresholds[(columns == column) & (modes == AT_MOST)]
        features.splits.setdefault(column, set()).update(own[np.isfinite(own)].tolist())
    sets: dict[str, Any] = {}
    if members:
        listed = [np.asarray([*members[at], np.nan], np.float64) for at in sorted(members)]
        sets["membership_values"] = numpy_helper.from_array(np.concatenate(listed), "members")
    values = np.concatenate([np.asarray(tree.values, np.float64) for tree in grown])
    targeted = np.repeat([tree.target for tree in grown], [len(tree.values) for tree in grown])
    made = graph.add(
        "TreeEnsemble",
        rows,
        domain=ML,
        aggregate_function=1,
        post_transform=0,
        n_targets=targets,
        tree_roots=splits[:-1].tolist(),
        nodes_featureids=columns.astype(np.int64).tolist(),
        nodes_splits=numpy_helper.from_array(np.asarray(thresholds, np.float64), "splits"),
        nodes_modes=numpy_helper.from_array(modes, "modes"),
        nodes_truenodeids=children[0].tolist(),
        nodes_falsenodeids=children[1].tolist(),
        nodes_trueleafs=are_leaves[0].astype(np.int64).tolist(),
        nodes_falseleafs=are_leaves[1].astype(np.int64).tolist(),
        nodes_missing_value_tracks_true=np.concatenate([tree.missing for tree in grown]).astype(np.int64).tolist(),
        leaf_targetids=targeted.astype(np.int64).tolist(),
        leaf_weights=numpy_helper.from_array(values, "weights"),
        **sets,
    )
    return made if not base.any() else graph.add("Add", made, graph.constant(base[None, :]))


def looked_up(graph: Graph, rows: str, features: Prepared, trees: Sequence[Tree], table: "Array") -> str:
    """The sum of what each tree's leaf has in a ``table`` (leaves of all trees, values): (rows, values).

    Each tree's leaves are numbered here, in the order of the table.
    """
    import msgspec
    import numpy as np

    numbered, first = [], 0
    for place, tree in enumerate(trees):
        own = np.arange(first, first + len(tree.values), dtype=np.float64)
        numbered.append(msgspec.structs.replace(tree, values=own, target=place))
        first += len(own)
    leaf = graph.cast(ensemble(graph, rows, features, numbered, len(trees)), "int64")
    found = graph.add("Gather", graph.constant(table), leaf, axis=0)
    return graph.add("ReduceSum", found, graph.constant([1], "int64"), keepdims=0)
