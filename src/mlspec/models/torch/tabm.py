"""TabM."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.models.torch._network import Embedding, outputs
from mlspec.plugin import Schema

if TYPE_CHECKING:
    from mlspec.torchkit.tabular import Kind


class TabM(Embedding, frozen=True, kw_only=True):
    """Many perceptrons in one: they share their weights, and each scales what goes into a layer and what comes out of
    it in a way of its own (TabM, Gorishniy et al. 2024). Each learns by its own loss; the answer is their mean.

    Columns go in as in `torch.mlp`. The epoch that is kept is the one whose mean answer has the least validation loss.

    Why: an ensemble of networks is better and steadier than one, and this one is hardly bigger than one network. It
    takes about as many times longer than `torch.mlp` as it has members, most of which a GPU does at once.

    Example:
        tabm: {type: torch.tabm, members: 32, hidden: [256, 128]}
    """

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 1e-2]},
        "dropout": {"uniform": [0.0, 0.5]},
        "hidden": {"choice": [[128, 128], [256, 128], [256, 256], [512, 512], [256, 256, 256]]},
        "weight_decay": {"log": [1e-4, 0.3]},
        "bins": {"choice": [16, 32, 64]},
    }

    members: Annotated[int, Meta(description="Perceptrons in the ensemble.", ge=1, le=1024)] = 8
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="Units of each hidden layer.", max_length=64, min_length=1, examples=[[256, 128]]),
    ] = (256, 128)
    dropout: Annotated[
        float, Meta(description="Share of hidden units switched off at random while training.", ge=0, lt=1)
    ] = 0.1

    def kind(self) -> "Kind":
        """Ensembles of perceptrons."""
        from mlspec.torchkit import tabm

        return tabm

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels only fitting tells counts as little as it can."""
        weights, width = self.embedded(columns)
        for units in self.hidden:
            weights += units * width + self.members * (width + 2 * units)
            width = units
        return 4 * (weights + self.members * (width + 1) * outputs(classes))
