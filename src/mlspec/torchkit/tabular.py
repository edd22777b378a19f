"""Networks for tables: from arrays to a trained network and back, whatever its kind."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from mlspec.diagnostics import StepError
from mlspec.models import _weights
from mlspec.plugin import Features, Predictor, Training
from mlspec.torchkit import device, loop, outputs
from mlspec.torchkit.columns import Table

if TYPE_CHECKING:
    from mlspec.models.torch._network import Network

Array = np.ndarray[Any, Any]

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


class Kind(Protocol):
    """What a kind of network supplies; each of its modules is one (``torchkit.mlp``, ``torchkit.tabm``, ...).

    ``Config`` is a Struct with the fields of ``Table`` among its own; what ``build`` gives maps numbers (rows, columns)
    and codes (rows, columns) to (rows, outputs), or to (rows, members, outputs).
    """

    Config: type[Any]

    def configure(self, model: Any, table: Table) -> Any:
        """The ``Config`` that a model's settings ask for."""

    def build(self, config: Any, numeric: Array | None) -> nn.Module:
        """A network of that shape, fitted to ``numeric``; None where its weights are read later."""


def fit(kind: Kind, model: "Network", training: Training, folder: Path) -> dict[str, Any]:
    """Train a network on the training rows and write it into ``folder``; the history.

    Raises StepError when a number is missing or infinite.
    """
    from safetensors.torch import save_file

    _check(training.features)
    _check(training.validation)
    place = device.find(training.device)
    centre, spread = outputs.scaling(training)
    table = Table(
        numeric=training.features.numeric.shape[1],
        levels=training.features.levels,
        classes=training.classes,
        centre=centre,
        spread=spread,
    )
    config = kind.configure(model, table)
    settings = loop.Settings(
        epochs=model.epochs,
        batch_size=model.batch_size,
        learning_rate=model.learning_rate,
        schedule=model.schedule,
        weight_decay=model.weight_decay,
        clip_norm=model.clip_norm,
        patience=model.patience,
    )
    with device.seeded(training.seed, place, training.threads):
        network = kind.build(config, training.features.numeric).to(place)
        weights, watched = _weights.fitting(training, model.class_weight)
        rows = _rows(training.features, training.target, weights, table, place)
        validation = _rows(training.validation, training.validation_target, watched, table, place)
        history = loop.train(
            network,
            rows,
            validation if len(validation.target) else None,
            outputs.loss(training.classes),
            settings,
            judge=outputs.judge(training.classes),
            seed=training.seed,
            folder=training.checkpoints,
            progress=training.progress,
            until=training.until,
        )
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=1))
    return {"parameters": sum(p.numel() for p in network.parameters()), **history}


def load(kind: Kind, folder: Path, name: str) -> Predictor:
    """The network from its folder, on the device of that name."""
    from safetensors.torch import load_file

    place = device.find(name)
    config = msgspec.json.decode((folder / CONFIG).read_bytes(), type=kind.Config)
    network = kind.build(config, None)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return _Fitted(network.to(place).eval(), config, place)


class _Fitted(Predictor):
    def __init__(self, network: nn.Module, config: Any, place: torch.device) -> None:
        self._network = network
        self._config = config
        self._place = place

    def predict(self, features: Features) -> Array:
        _check(features)
        numbers, codes = _inputs(features, self._place)
        size = loop.at_once(self._network)
        with torch.inference_mode():
            pieces = [
                self._network(numbers[start : start + size], codes[start : start + size])
                for start in range(0, len(numbers), size)
            ]
        raw = torch.cat(pieces) if pieces else torch.zeros((0, outputs.count(self._config.classes)))
        return outputs.answer(raw, self._config.classes, self._config.centre, self._config.spread)


def _inputs(features: Features, place: torch.device) -> tuple[Tensor, Tensor]:
    numbers = torch.from_numpy(np.ascontiguousarray(features.numeric, dtype=np.float32))
    codes = torch.from_numpy(np.ascontiguousarray(features.codes, dtype=np.int64))
    return numbers.to(place), codes.to(place)


def _rows(features: Features, target: Array, weights: Array | None, table: Table, place: torch.device) -> loop.Rows:
    wanted = outputs.target(target, table.classes, table.centre, table.spread, place, weights)
    return loop.Rows(_inputs(features, place), wanted)


def _check(features: Features) -> None:
    if features.numeric.size and not np.isfinite(features.numeric.sum()):
        bad = ~np.isfinite(features.numeric).all(axis=0)
        names = ", ".join(f"'{name}'" for name, is_bad in zip(features.numeric_names, bad, strict=True) if is_bad)
        if names:
            raise StepError(
                f"a network takes no missing or infinite numbers, but there are some in {names}: impute them"
            )
