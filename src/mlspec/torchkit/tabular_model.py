"""What plug-ins of networks for tables share: how they are trained, saved and read back."""

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from msgspec.structs import replace

from mlspec.plugins.model import Model, Predictor, Training
from mlspec.torchkit import settings

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable
    from mlspec.torchkit.tabular import Tabular


class TabularModel(Model, frozen=True, kw_only=True):
    """A network on embedded columns. A subclass has the fields of ``tabular.Tabular``, and says its ``backbone``; where
    it has a field ``private``, it can be trained by DP-SGD."""

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "safetensors")
    takes_codes: ClassVar[bool] = True
    uses_device: ClassVar[bool] = True
    pausable: ClassVar[bool] = True
    may_be_network: ClassVar[bool] = True
    continues: ClassVar[bool] = True
    shares_rows: ClassVar[bool] = True
    holds: ClassVar[float] = 0.0
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = settings.PREPARATION

    @abstractmethod
    def backbone(self, classes: int) -> dict[str, Any]:
        """What is behind the embeddings, as ``torchkit.backbones`` builds it."""

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Train and save weights (safetensors) and shape (JSON); the history holds each epoch's losses."""
        began = time.monotonic()
        from mlspec.torchkit import tabular

        return tabular.fit(cast("Tabular", self), training, folder, training.countdown(began))

    def rounds_found(self, history: Mapping[str, Any]) -> "TabularModel | None":
        """As many epochs as had the lowest validation loss, with a schedule that ends there; None where training is
        private: a second one would spend the budget again."""
        if getattr(self, "private", None) is not None:
            return None
        found: TabularModel = replace(self, epochs=max(1, int(history["best_epoch"])), patience=None, time=None)
        return found

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted network on the device."""
        from mlspec.torchkit import tabular

        return tabular.load(cast("Tabular", self), folder, device)

    def network(self, training: Training) -> "Trainable":
        """The untrained network with its rows."""
        from mlspec.torchkit import tabular

        return tabular.untrained(cast("Tabular", self), training)

    def secret(self) -> str:
        """The variable of the key of private training's noise."""
        private: settings.Private | None = getattr(self, "private", None)
        return "" if private is None else private.key
