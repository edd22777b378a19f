"""What forests of scikit-learn have in common: their keys, and how they grow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from mlspec.models import _growth
from mlspec.plugins.model import Training

MOST_LEAVES = 10_000  # of a tree
SAVING = 0.004  # seconds to save a tree, roughly
PREPARATION: Mapping[str, Sequence[Any]] = {
    "numeric": [],
    "category": [{"group_rare": {"max_levels": 254}}, {"encode": "ordinal"}],
    "date": ["date_parts"],
}
SPACE: Mapping[str, Mapping[str, Any]] = {
    "min_samples_leaf": {"log_integer": [1, 50]},
    "max_features": {"uniform": [0.1, 1.0]},
}

Trees = Annotated[int, Meta(description="Number of trees.", ge=1, le=100_000)]
Leaf = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(
        description="Minimum number of rows per leaf; if left out, 1 for extra_trees, and for random_forest 3 for "
        "classes and 2 for numbers; at least a ten-thousandth of the training rows, so that a tree's size is bounded."
    ),
]
ClassWeight = Annotated[
    Literal["balanced"] | None,
    Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
]


def fit(
    estimator: Any, training: Training, folder: Path, types: Sequence[str], trees: int, began: float, least: int
) -> dict[str, Any]:
    """Grow that many trees, or as many as there is time for, and save them with skops; the history.

    ``began``: when the fit began, by ``time.monotonic``; ``least``: rows of a leaf where nothing is said of them.
    """
    from mlspec import sklearnkit

    left = _growth.started(training, began)
    if estimator.min_samples_leaf is None:
        rows = len(training.target)
        estimator.set_params(min_samples_leaf=max(least, rows // MOST_LEAVES))
    estimator.set_params(n_jobs=training.threads, random_state=training.seed)
    estimator.set_params(warm_start=training.seconds is not None)
    notes: set[str] = set()

    def to(count: int) -> bool:
        estimator.set_params(n_estimators=count)
        notes.update(note for note in sklearnkit.fit(estimator, training) if "warm_start" not in note)
        return False

    is_short = _growth.grow(to, trees, left, first=training.threads, saving=SAVING)
    # One thread for predictions: several add up the trees in whatever order they finish.
    estimator.set_params(warm_start=False, n_jobs=1)
    sklearnkit.save(estimator, folder, types, classes=training.classes)
    grown = {"trees": len(estimator.estimators_), "warnings": sorted(notes)}
    return {**grown, **(_growth.STOPPED if is_short else {})}
