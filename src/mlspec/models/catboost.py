"""CatBoost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugin import Model, Predictor, Training


class CatBoost(Model, frozen=True, kw_only=True):
    """Boosted symmetric trees that take each category by what its rows' targets were, in an order that keeps a row from
    seeing its own (CatBoost, Prokhorenkova et al. 2018), for classes and for numbers.

    Takes missing values without imputing. The number of trees is decided on the validation rows. Rows' weights reach
    the trees; what a category stands for is computed from all rows alike. Saved in CatBoost's own binary format. Needs
    the extra `catboost`.

    Why: categories with many levels and hardly anything to set; slower to fit than `lightgbm`, fast to predict.

    Example:
        cat: {type: catboost, depth: 8}
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
        "learning_rate": {"log": [0.01, 0.3]},
        "depth": {"integer": [4, 10]},
        "l2_leaf_reg": {"log": [0.1, 100.0]},
    }

    learning_rate: Annotated[float, Meta(description="The weight of each new tree.", gt=0, le=1)] = 0.05
    trees: Annotated[int, Meta(description="Trees at most.", ge=1, le=100_000)] = 2000
    depth: Annotated[int, Meta(description="Depth of each tree.", ge=1, le=16)] = 6
    l2_leaf_reg: Annotated[float, Meta(description="Penalty on the leaves' values.", ge=0)] = 3.0
    patience: Annotated[
        int, Meta(description="Trees without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 50
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; equal rows if left out."),
    ] = None
    monotone: Annotated[
        dict[str, Literal["increasing", "decreasing"]],
        Meta(
            description="Columns with which the prediction (of the positive class, say) may only rise, or only fall, "
            "all else the same.",
            examples=[{"age": "increasing"}],
        ),
    ] = {}  # noqa: RUF012 (msgspec copies it)

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save in CatBoost's format; the history holds the losses after each tree."""
        from mlspec.models import _catboost, _monotone, _weights

        params: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "iterations": self.trees,
            "depth": self.depth,
            "l2_leaf_reg": self.l2_leaf_reg,
        }
        if self.monotone:
            signs = _monotone.signs(self.monotone, training.features)
            params["monotone_constraints"] = dict(enumerate(signs[: training.features.numeric.shape[1]]))
        weights = _weights.fitting(training, self.class_weight)
        return _catboost.fit(training, folder, params, patience=self.patience, weights=weights)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted trees."""
        from mlspec.models import _catboost

        return _catboost.load(folder)
