"""LightGBM."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.models._monotone import Monotone, directions
from mlspec.plugins.model import Model, Predictor, Training
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph


class LightGBM(Model, frozen=True, kw_only=True):
    """Boosted decision trees grown leaf by leaf (LightGBM, Ke et al. 2017), for classification and regression.

    Accepts categories and missing values without preparation. The validation rows decide the number of trees. Saved in
    LightGBM's own text format. Needs the extra `boost`.

    Why: among the best models for tables, and the fastest of them.

    Example:
        boost: {type: lightgbm, learning_rate: 0.05, num_leaves: 63}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    version: ClassVar[int] = 4
    libraries: ClassVar[tuple[str, ...]] = ("lightgbm", "numpy")
    extra: ClassVar[str] = "boost"
    complexity: ClassVar[int] = 2
    worth: ClassVar[float] = 3.0
    takes_missing: ClassVar[bool] = True
    continues: ClassVar[bool] = True
    holds: ClassVar[float] = 1.0
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [],
        "category": [{"group_rare": {"max_levels": 254}}, {"encode": "ordinal"}],
        "date": ["date_parts"],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [0.01, 0.2]},
        "num_leaves": {"log_integer": [8, 256]},
        "min_data_in_leaf": {"log_integer": [2, 200]},
        "feature_fraction": {"uniform": [0.4, 1.0]},
        "lambda_l2": {"log": [1e-4, 100.0]},
    }

    learning_rate: Annotated[float, Meta(description="The weight of each new tree.", gt=0, le=1)] = 0.04
    trees: Annotated[int, Meta(description="Maximum number of trees (per class).", ge=1, le=100_000)] = 2000
    num_leaves: Annotated[int, Meta(description="Maximum number of leaves per tree.", ge=2, le=131_072)] = 16
    min_data_in_leaf: Annotated[int, Meta(description="Minimum number of rows per leaf.", ge=1)] = 5
    feature_fraction: Annotated[float, Meta(description="Share of the columns used for each tree.", gt=0, le=1)] = 0.6
    bagging_fraction: Annotated[float, Meta(description="Share of the rows used for each tree.", gt=0, le=1)] = 0.9
    lambda_l2: Annotated[
        float, Meta(description="L2 penalty on the leaf values; none where a fitted model is continued.", ge=0)
    ] = 1.0
    extra_trees: Annotated[
        bool, Meta(description="Each split of a number is the best of one random threshold a column: smoother.")
    ] = False
    patience: Annotated[
        int, Meta(description="Trees without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 50
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None
    monotone: Monotone = {}  # noqa: RUF012 (msgspec copies it)

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save as text; the history holds the losses after each tree."""
        from mlspec.models import _lightgbm

        params: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": int(self.bagging_fraction < 1),
            # A penalty forbids splits that move all rows alike, which is what going on from a model often has to do.
            "lambda_l2": self.lambda_l2 if training.start is None else 0.0,
            **({"extra_trees": True} if self.extra_trees else {}),
        }
        if self.monotone:
            params["monotone_constraints"] = directions(self.monotone, training.features)
        weights = row_weights(training, self.class_weight), stopping_weights(training, self.class_weight)
        return _lightgbm.fit(training, folder, params, trees=self.trees, patience=self.patience, weights=weights)

    def rounds_found(self, history: Mapping[str, Any]) -> "LightGBM":
        """As many trees as the validation rows decided."""
        return replace(self, trees=max(1, int(history["iterations"])))

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted trees."""
        from mlspec.models import _lightgbm

        return _lightgbm.load(folder)

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The trees."""
        from mlspec.models import _lightgbm

        return _lightgbm.to_onnx(folder, graph, features)
