"""A model of one's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from mlspec.plugins.model import Model, Predictor, Training

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable


class Python(Model, frozen=True, kw_only=True):
    """Your own model: a class in a file next to the spec.

    A scikit-learn-style estimator is created as `Class(**params)`; it has `fit(X, y)` and `predict(X)`, and for
    classification `predict_proba(X)`; X is float32, one column per prepared column, y class codes 0..k-1 or values. It
    is saved with skops. A `torch.nn.Module` is created as `Class(inputs, outputs, **params)`; it maps (rows, inputs) to
    (rows, outputs): one logit per class, or one value. It is trained with AdamW and early stopping, and saved as
    safetensors. Its module is loaded from its file, as source, and never replaces an installed module. What it imports
    from the spec's folder is exported with the model. Only `run` and `predict --trust-code` execute it.

    Why: a model that is not built in needs one class, not a fork; everything else works as usual.

    Example:
        mine: {type: python, code: "models:Forest", params: {trees: 200}}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    holds: ClassVar[float] = 0.1
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "skops")
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    may_be_network: ClassVar[bool] = True
    brings_code: ClassVar[bool] = True
    version: ClassVar[int] = 2
    uses_device: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}, {"scale": "standard"}],
        "category": [{"encode": "one_hot"}],
        "date": ["date_parts", {"impute": "median"}, {"scale": "standard"}],
    }

    code: Annotated[
        str,
        Meta(
            description="The class, as `module:Class`; the module is in the spec's folder or installed.",
            pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
            examples=["models:Forest"],
        ),
    ]
    params: Annotated[dict[str, Any], Meta(description="Keyword arguments of the class.")] = {}  # noqa: RUF012 (msgspec copies it)
    epochs: Annotated[int, Meta(description="Maximum number of epochs (torch.nn.Module only).", ge=1, le=100_000)] = 30
    batch_size: Annotated[
        Annotated[int, Meta(ge=1, le=10_000_000)] | None,
        Meta(description="Batch size; from the number of rows if left out (torch.nn.Module only)."),
    ] = None
    learning_rate: Annotated[
        float, Meta(description="The highest learning rate (torch.nn.Module only).", gt=0, le=10)
    ] = 0.001
    weight_decay: Annotated[float, Meta(description="Weight decay (torch.nn.Module only).", ge=0)] = 0.01
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Epochs without a better validation loss before stopping (torch.nn.Module only)."),
    ] = 8

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save the estimator or the module, with its source; StepError if the class is unavailable."""
        from mlspec.models import _user_code

        return _user_code.fit(self.code, self.params, self, training, folder)

    def network(self, training: Training) -> "Trainable | None":
        """The untrained module with its rows, None for an estimator."""
        from mlspec.models import _user_code

        return _user_code.network(self.code, self.params, self, training)

    def rounds_found(self, history: Mapping[str, Any]) -> "Python | None":
        """The same, with the best number of epochs of a network, where the class says `refit = True`."""
        if not history.get("refit"):
            return None
        return replace(self, epochs=history.get("best_epoch", self.epochs), patience=None)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator or module; runs the source that was saved with it."""
        from mlspec.models import _user_code

        return _user_code.load(folder, device)
