"""A user's own ``torch.nn.Module``: trained by the loop, saved as safetensors, read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features, Predictor, Training
from mlspec.torchkit import device, loop, memory, outputs
from mlspec.torchkit.row_weights import row_weights, stopping_weights
from mlspec.torchkit.settings import About, ModuleSettings

Array = np.ndarray[Any, Any]

WEIGHTS = "model.safetensors"


def fit(
    cls: type[Any], params: Mapping[str, Any], settings: ModuleSettings, training: Training, folder: Path
) -> dict[str, Any]:
    """Train ``cls(inputs, outputs, **params)`` and write its weights; the history, with the target's scaling."""
    from safetensors.torch import save_file

    centre, spread = outputs.scaling(training)
    with device.seeded(training.seed, device.find(training.device), training.threads):
        made = trainable(cls, params, settings, training)
        module = made.module
        history = loop.train(
            module,
            made.rows,
            made.validation,
            made.loss,
            made.settings,
            seed=training.seed,
            folder=training.checkpoints,
            progress=training.progress,
            seconds=training.seconds,
        )
    # Weights that two layers share are written once for each.
    state = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in module.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    return {"parameters": sum(p.numel() for p in module.parameters()), "centre": centre, "spread": spread, **history}


def trainable(
    cls: type[Any], params: Mapping[str, Any], settings: ModuleSettings, training: Training
) -> loop.Trainable:
    """The untrained module with its rows; to be called within ``device.seeded``."""
    place = device.find(training.device)
    centre, spread = outputs.scaling(training)
    size = sum(4 * (part.numeric.size + part.codes.size) for part in (training.features, training.validation))
    lies = memory.lies(size, place)
    rows = _rows(training.features, training.target, training.classes, centre, spread, lies)
    validation = _rows(training.validation, training.validation_target, training.classes, centre, spread, lies)
    validation = loop.Rows(validation.inputs, outputs.weighted(validation.target, stopping_weights(training)))
    return loop.Trainable(
        _build(cls, rows.inputs[0].shape[1], training.classes, params).to(place),
        loop.Rows(rows.inputs, outputs.weighted(rows.target, row_weights(training))),
        validation if len(validation.target) else None,
        outputs.of_members(_logits(training.classes)),
        loop.Settings(
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            patience=settings.patience,
            computing=device.computing(training),
        ),
    )


def load(cls: type[Any], about: About, folder: Path, name: str) -> Predictor:
    """The module with its weights, on the device of that name."""
    from safetensors.torch import load_file

    place = device.find(name)
    module = _build(cls, about.inputs, about.classes, about.params)
    module.load_state_dict(load_file(folder / WEIGHTS))
    return _Fitted(module.to(place).eval(), about, place)


def _build(cls: type[Any], inputs: int, classes: int, params: Mapping[str, Any]) -> nn.Module:
    try:
        module: nn.Module = cls(inputs, classes or 1, **params)
    except TypeError as error:
        raise StepError(
            f"'{cls.__name__}' can't be built as {cls.__name__}(inputs, outputs, **params): {error}"
        ) from error
    return module


def _plain(features: Features, place: torch.device) -> torch.Tensor:
    rows = np.concatenate([features.numeric, features.codes.astype(np.float32)], axis=1, dtype=np.float32)
    return torch.from_numpy(rows).to(place)


def _rows(
    features: Features, values: Array, classes: int, centre: float, spread: float, place: torch.device
) -> loop.Rows:
    wanted = outputs.target(values, _logits(classes), centre, spread, place)
    return loop.Rows((_plain(features, place),), wanted)


def _logits(classes: int) -> int:
    # A user's module gives one logit a class, also where there are two.
    return max(classes, 3) if classes else 0


class _Fitted(Predictor):
    def __init__(self, module: nn.Module, about: About, place: torch.device) -> None:
        self._module = module
        self._about = about
        self.classes = about.classes
        self._place = place

    def predict(self, features: Features) -> Array:
        rows = _plain(features, self._place)
        with torch.inference_mode():
            pieces = [self._module(piece) for piece in torch.split(rows, loop.EVALUATED)] if len(rows) else []
        classes = self._about.classes
        raw = torch.cat(pieces) if pieces else torch.zeros((0, classes or 1))
        return outputs.answer(raw, _logits(classes), self._about.centre, self._about.spread)
