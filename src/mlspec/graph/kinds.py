"""The kinds of steps: what each gives, how it is to be treated, and the version of the code that does its work."""

from msgspec import Struct

from mlspec.graph.step import Step


class Kind(Struct, frozen=True, kw_only=True):
    """What all steps of a kind have in common.

    ``version`` changes when the behaviour of the kind's work does: it is part of every fingerprint. ``trivial`` work
    runs in the calling process, it takes less time than starting another. ``volatile`` work measures something: the
    same inputs give other bytes. ``alone``: nothing else should run beside it. ``by_rows``: it treats each row alone,
    so that its bytes are the same on however many threads. ``libraries`` are the distributions whose version changes
    results, beside the plug-ins' own.
    """

    version: int
    outputs: tuple[str, ...]
    trivial: bool = False
    volatile: bool = False
    alone: bool = False
    by_rows: bool = False
    libraries: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "source": Kind(version=3, outputs=("table",), by_rows=True, libraries=("polars",)),
    "combine": Kind(version=1, outputs=("table",), libraries=("polars",)),
    "expect": Kind(version=3, outputs=("report", "verdict"), libraries=("polars", "scipy")),
    "split": Kind(version=2, outputs=("train", "validation", "test"), by_rows=True, libraries=("polars", "numpy")),
    "fold": Kind(version=2, outputs=("train", "validation", "heldout"), by_rows=True, libraries=("polars", "numpy")),
    "prepare": Kind(version=3, outputs=("state", "train", "validation"), by_rows=True, libraries=("polars",)),
    "check_data": Kind(version=2, outputs=("report", "verdict"), libraries=("polars", "numpy", "scikit-learn")),
    "check_groups": Kind(version=2, outputs=("report", "verdict"), libraries=("polars", "numpy")),
    "check_network": Kind(version=1, outputs=("report", "verdict"), libraries=("numpy", "torch")),
    "tune": Kind(version=1, outputs=("best", "trials"), libraries=("numpy", "optuna")),
    "train": Kind(version=1, outputs=("model", "history"), libraries=("numpy",)),
    "predict": Kind(version=2, outputs=("predictions",), libraries=("numpy",)),
    "decide": Kind(version=1, outputs=("decision",), libraries=("numpy", "scikit-learn")),
    "evaluate": Kind(version=1, outputs=("metrics",), libraries=("numpy",)),
    "compare": Kind(version=1, outputs=("differences",), libraries=("numpy",)),
    "blend": Kind(version=1, outputs=("weights", "predictions"), libraries=("numpy", "scikit-learn")),
    "select": Kind(version=3, outputs=("selection", "model"), trivial=True),
    "train_groups": Kind(version=1, outputs=("models",), libraries=("polars", "numpy")),
    "train_shared": Kind(version=2, outputs=("models",), libraries=("polars", "numpy")),
    "personalize": Kind(version=3, outputs=("groups", "model"), libraries=("polars", "numpy")),
    "predict_global": Kind(version=2, outputs=("predictions",), libraries=("polars", "numpy")),
    "baseline": Kind(version=2, outputs=("predictions",), libraries=("numpy",)),
    "previous": Kind(version=2, outputs=("figures",), trivial=True),
    "predict_test": Kind(version=2, outputs=("predictions",), libraries=("polars", "numpy")),
    "evaluate_test": Kind(version=3, outputs=("metrics",), libraries=("polars", "numpy")),
    "importance": Kind(version=1, outputs=("importance",), libraries=("polars", "numpy")),
    "tradeoff": Kind(version=1, outputs=("tradeoff",), libraries=("polars", "numpy", "scikit-learn")),
    "learn_part": Kind(version=1, outputs=("scores",), libraries=("polars", "numpy")),
    "scaling": Kind(version=1, outputs=("curve",), libraries=("numpy",)),
    "latency": Kind(version=1, outputs=("latency",), volatile=True, alone=True, libraries=("polars", "numpy")),
    "serving_memory": Kind(version=1, outputs=("memory",), volatile=True, libraries=("polars", "numpy")),
    "examples": Kind(version=1, outputs=("answers",), libraries=("polars", "numpy")),
    "privacy": Kind(version=2, outputs=("privacy",), libraries=("polars",)),
    "membership": Kind(version=1, outputs=("membership",), libraries=("polars", "numpy")),
    "differential_privacy": Kind(version=1, outputs=("promise",), trivial=True),
    "size": Kind(version=1, outputs=("size",), trivial=True),
    "gate": Kind(version=2, outputs=("verdict",), trivial=True),
}


def reads_records(step: Step) -> bool:
    """Whether the step's work is handed what the steps before it took: a gate on a budget is."""
    return step.kind == "gate" and step.params["of"] == "budget"
