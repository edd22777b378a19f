"""CatBoost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.models._monotone import Monotone
from mlspec.plugins.model import Model, Predictor, Training


class CatBoost(Model, frozen=True, kw_only=True):
    """Boosted symmetric trees with ordered target statistics of categories (CatBoost, Prokhorenkova et al. 2018), for
    classes and for numbers.

    Takes categories of any number of levels as they are, and missing values without imputing. The number of trees is
    decided on the validation rows. Saved in CatBoost's own format. Needs the extra `catboost`.

    Why: with many categories, or few rows, it is often the best; it takes several times LightGBM's time.

    Example:
        cat: {type: catboost, learning_rate: 0.05, depth: 6}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("catboost", "numpy")
    extra: ClassVar[str] = "catboost"
    complexity: ClassVar[int] = 2
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [],
        "category": [{"encode": "ordinal"}],
        "date": ["date_parts"],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [0.01, 0.2]},
        "depth": {"integer": [4, 10]},
        "l2_leaf_reg": {"log": [0.5, 50.0]},
        "random_strength": {"log": [0.1, 10.0]},
    }

    learning_rate: Annotated[float, Meta(description="The weight of each new tree.", gt=0, le=1)] = 0.05
    trees: Annotated[int, Meta(description="Trees at most.", ge=1, le=100_000)] = 2000
    depth: Annotated[int, Meta(description="Depth of each tree.", ge=1, le=16)] = 6
    l2_leaf_reg: Annotated[float, Meta(description="Penalty on the leaves' values.", ge=0)] = 3.0
    random_strength: Annotated[float, Meta(description="Noise on the scores of splits.", ge=0)] = 1.0
    patience: Annotated[
        int, Meta(description="Trees without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 50
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; equal rows if left out."),
    ] = None
    monotone: Monotone = {}  # noqa: RUF012 (msgspec copies it)

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save; the history holds the losses after each tree."""
        from mlspec.models import _catboost

        return _catboost.fit(self, training, folder)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted trees."""
        from mlspec.models import _catboost

        return _catboost.load(folder)
