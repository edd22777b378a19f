"""The kinds of steps: what each gives, how it is to be treated, and the version of the code that does its work."""

from msgspec import Struct

from mlspec import registry
from mlspec.graph.step import Step


class Kind(Struct, frozen=True, kw_only=True):
    """What all steps of a kind have in common.

    ``work`` is the module whose function ``run`` does the work of a step.
    ``version`` changes when the behaviour of the kind's work does: it is part of every fingerprint. ``trivial`` work
    runs in the calling process, it takes less time than starting another. ``volatile`` work measures something: the
    same inputs give other bytes. ``alone``: nothing else should run beside it. ``by_rows``: it treats each row alone,
    so that its bytes are the same on however many threads. ``parts`` is the param that says how many parts of it can be
    done at the same time, each on another machine. ``libraries`` are the distributions whose version changes
    results, beside the plug-ins' own.
    """

    work: str
    version: int
    outputs: tuple[str, ...]
    trivial: bool = False
    volatile: bool = False
    alone: bool = False
    by_rows: bool = False
    parts: str = ""
    libraries: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "source": Kind(work="mlspec.steps.data.source", version=4, outputs=("table",), by_rows=True, libraries=("polars",)),
    "source_part": Kind(
        work="mlspec.steps.data.source", version=4, outputs=("table",), by_rows=True, libraries=("polars",)
    ),
    "combine": Kind(work="mlspec.steps.data.combine", version=2, outputs=("table",), libraries=("polars",)),
    "expect": Kind(
        work="mlspec.steps.data.expect", version=3, outputs=("report", "verdict"), libraries=("polars", "scipy")
    ),
    "expect_part": Kind(
        work="mlspec.steps.data.expect_part",
        version=1,
        outputs=("measured",),
        libraries=("polars", "scipy"),
    ),
    "split": Kind(
        work="mlspec.steps.data.split",
        version=3,
        outputs=("train", "validation", "test", "report"),
        by_rows=True,
        libraries=("polars", "numpy"),
    ),
    "assign": Kind(
        work="mlspec.steps.data.assign_parts", version=1, outputs=("starts", "report"), libraries=("polars", "numpy")
    ),
    "count_parts": Kind(work="mlspec.steps.data.count_parts", version=1, outputs=("starts", "report"), trivial=True),
    "split_part": Kind(
        work="mlspec.steps.data.split_part",
        version=1,
        outputs=("train", "validation", "test"),
        by_rows=True,
        libraries=("polars", "numpy"),
    ),
    "assign_fold": Kind(
        work="mlspec.steps.data.assign_fold", version=1, outputs=("starts",), libraries=("polars", "numpy")
    ),
    "fold_part": Kind(
        work="mlspec.steps.data.split_part",
        version=1,
        outputs=("train", "validation", "heldout"),
        by_rows=True,
        libraries=("polars", "numpy"),
    ),
    "count_rows": Kind(work="mlspec.steps.data.count_rows", version=1, outputs=("starts",), libraries=("polars",)),
    "fold": Kind(
        work="mlspec.steps.data.fold",
        version=2,
        outputs=("train", "validation", "heldout"),
        by_rows=True,
        libraries=("polars", "numpy"),
    ),
    "prepare": Kind(
        work="mlspec.steps.data.prepare",
        version=4,
        outputs=("state", "train", "validation"),
        by_rows=True,
        libraries=("polars",),
    ),
    "fit": Kind(work="mlspec.steps.data.fit", version=1, outputs=("state",), libraries=("polars",)),
    "fit_part": Kind(
        work="mlspec.steps.data.fit_part", version=1, outputs=("measured",), libraries=("polars", "numpy")
    ),
    "prepare_part": Kind(
        work="mlspec.steps.data.prepare_part",
        version=1,
        outputs=("train", "validation"),
        by_rows=True,
        libraries=("polars",),
    ),
    "check_data": Kind(
        work="mlspec.steps.diagnosis.check_data",
        version=4,
        outputs=("report", "verdict"),
        libraries=("polars", "numpy", "scikit-learn"),
    ),
    "check_groups": Kind(
        work="mlspec.steps.trust.check_groups", version=3, outputs=("report", "verdict"), libraries=("polars", "numpy")
    ),
    "check_network": Kind(
        work="mlspec.steps.diagnosis.check_network",
        version=2,
        outputs=("report", "verdict"),
        libraries=("numpy", "torch"),
    ),
    "tune": Kind(
        work="mlspec.steps.training.tune",
        version=1,
        outputs=("best", "trials"),
        parts="parallel",
        libraries=("numpy", "optuna"),
    ),
    "train": Kind(work="mlspec.steps.training.train", version=1, outputs=("model", "history"), libraries=("numpy",)),
    "predict": Kind(work="mlspec.steps.training.predict", version=2, outputs=("predictions",), libraries=("numpy",)),
    "decide": Kind(
        work="mlspec.steps.evaluation.decide", version=1, outputs=("decision",), libraries=("numpy", "scikit-learn")
    ),
    "gather": Kind(work="mlspec.steps.evaluation.gather", version=1, outputs=("predictions",), libraries=("numpy",)),
    "evaluate": Kind(work="mlspec.steps.evaluation.evaluate", version=3, outputs=("metrics",), libraries=("numpy",)),
    "compare": Kind(work="mlspec.steps.evaluation.compare", version=4, outputs=("differences",), libraries=("numpy",)),
    "blend": Kind(
        work="mlspec.steps.evaluation.blend",
        version=2,
        outputs=("weights", "predictions"),
        libraries=("numpy", "scikit-learn"),
    ),
    "select": Kind(work="mlspec.steps.evaluation.select", version=4, outputs=("selection", "model"), trivial=True),
    "refit": Kind(
        work="mlspec.steps.training.refit", version=2, outputs=("model", "report"), libraries=("polars", "numpy")
    ),
    "train_groups": Kind(
        work="mlspec.steps.training.train_groups", version=1, outputs=("models",), libraries=("polars", "numpy")
    ),
    "train_shared": Kind(
        work="mlspec.steps.training.train_shared", version=2, outputs=("models",), libraries=("polars", "numpy")
    ),
    "personalize": Kind(
        work="mlspec.steps.training.personalize", version=5, outputs=("groups", "model"), libraries=("polars", "numpy")
    ),
    "predict_global": Kind(
        work="mlspec.steps.evaluation.predict_global",
        version=2,
        outputs=("predictions",),
        libraries=("polars", "numpy"),
    ),
    "baseline": Kind(
        work="mlspec.steps.evaluation.baseline", version=2, outputs=("predictions",), libraries=("numpy",)
    ),
    "previous": Kind(work="mlspec.steps.evaluation.previous", version=3, outputs=("figures",), trivial=True),
    "predict_test": Kind(
        work="mlspec.steps.evaluation.predict_holdout",
        version=2,
        outputs=("predictions",),
        libraries=("polars", "numpy"),
    ),
    "evaluate_test": Kind(
        work="mlspec.steps.evaluation.evaluate_holdout", version=7, outputs=("metrics",), libraries=("polars", "numpy")
    ),
    "seeds": Kind(
        work="mlspec.steps.evaluation.seed_spread", version=1, outputs=("seeds",), libraries=("polars", "numpy")
    ),
    "importance": Kind(
        work="mlspec.steps.evaluation.importance", version=1, outputs=("importance",), libraries=("polars", "numpy")
    ),
    "tradeoff": Kind(
        work="mlspec.steps.trust.mitigation_tradeoff",
        version=2,
        outputs=("tradeoff",),
        libraries=("polars", "numpy", "scikit-learn"),
    ),
    "learn_part": Kind(
        work="mlspec.steps.evaluation.learning_curve_point",
        version=1,
        outputs=("scores",),
        libraries=("polars", "numpy"),
    ),
    "scaling": Kind(work="mlspec.steps.evaluation.learning_curve", version=1, outputs=("curve",), libraries=("numpy",)),
    "latency": Kind(
        work="mlspec.steps.serving.latency",
        version=1,
        outputs=("latency",),
        volatile=True,
        alone=True,
        libraries=("polars", "numpy"),
    ),
    "serving_memory": Kind(
        work="mlspec.steps.serving.serving_memory",
        version=1,
        outputs=("memory",),
        volatile=True,
        libraries=("polars", "numpy"),
    ),
    "examples": Kind(
        work="mlspec.steps.evaluation.examples", version=1, outputs=("answers",), libraries=("polars", "numpy")
    ),
    "privacy": Kind(
        work="mlspec.steps.trust.privacy", version=3, outputs=("privacy",), libraries=("polars", "python-stdnum")
    ),
    "membership": Kind(
        work="mlspec.steps.trust.membership", version=2, outputs=("membership",), libraries=("polars", "numpy")
    ),
    "differential_privacy": Kind(
        work="mlspec.steps.trust.differential_privacy", version=2, outputs=("promise",), trivial=True
    ),
    "size": Kind(work="mlspec.steps.serving.size", version=1, outputs=("size",), trivial=True),
    "measure": Kind(work="mlspec.steps.evaluation.measure", version=1, outputs=("measured",)),
    "reference": Kind(
        work="mlspec.steps.serving.make_reference", version=1, outputs=("reference",), libraries=("polars", "numpy")
    ),
    "gate": Kind(work="mlspec.steps.evaluation.gate", version=4, outputs=("verdict",), trivial=True),
}


def reads_records(step: Step) -> bool:
    """Whether the step's work is handed what the steps before it took: so are gates that decide by it, and a second
    fit whose time is limited."""
    if step.kind == "refit":
        return "time" in step.params
    return step.kind == "gate" and registry.constraint(step.params["of"]).by_records
