"""Drift is stated as a reason to train the model again.

Why: columns change all the time without harm, and a model can be wrong without any change of its columns. In a trial a
column with a PSI of 0.9 cost 0.017 of AUC, and a change of the relation between columns and target, which cost 0.045,
had a PSI of 0.001. A model that is trained again for drift alone is changed without evidence that it got worse, and on
rows that may be broken.

Instead: let `operation.monitor.drift` raise an alarm for a person to look at, and train again by `quality`, `age` or
`labels`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """``operation.retrain.when.drift``."""
    operation = view.project.operation
    if operation is not None and operation.retrain is not None and operation.retrain.when.drift:
        yield view.diagnostic(
            "drift-retrains",
            ("operation", "retrain", "when", "drift"),
            "drift alone is no reason to train a model again",
            "use quality, age or labels",
            "drift does not show that the model got worse; operation.monitor.drift raises an alarm instead",
        )
