"""Networks for tables: from arrays to a trained network and back."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
import torch
from torch import Tensor

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.plugins.base import Column, Schema
from mlspec.plugins.model import Features, Predictor, Training
from mlspec.torchkit import backbones, device, loop, memory, outputs, statistics
from mlspec.torchkit.network import Curves, Network, Scale
from mlspec.torchkit.pictures import Pictures, others
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

Array = np.ndarray[Any, Any]

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
PRIVATE = "private.json"
GENTLY = 0.3  # of the learning rate, where training goes on from fitted weights


class Tabular(Protocol):
    """What a network for tables says of itself: the keys of its embeddings and its training, and its backbone."""

    @property
    def bins(self) -> int: ...  # noqa: D102
    @property
    def numeric_width(self) -> int: ...  # noqa: D102
    @property
    def category_width(self) -> int | None: ...  # noqa: D102
    @property
    def epochs(self) -> int: ...  # noqa: D102
    @property
    def batch_size(self) -> int | None: ...  # noqa: D102
    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def schedule(self) -> str: ...  # noqa: D102
    @property
    def weight_decay(self) -> float: ...  # noqa: D102
    @property
    def clip_norm(self) -> float | None: ...  # noqa: D102
    @property
    def patience(self) -> int | None: ...  # noqa: D102
    @property
    def time(self) -> float | None: ...  # noqa: D102
    @property
    def class_weight(self) -> str | None: ...  # noqa: D102
    @property
    def label_smoothing(self) -> float: ...  # noqa: D102
    def backbone(self, classes: int) -> dict[str, Any]:
        """What follows the embeddings, as ``backbones.build`` takes it."""

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """A lower bound of the saved weights' size."""


class Config(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The network's shape: all that its weights need to be read back. ``pictures``: the numbers that are one each (the
    first, and height, width, channels), for convolutions."""

    numeric: int
    bins: int
    numeric_width: int
    levels: tuple[int, ...]
    widths: tuple[int, ...]
    backbone: dict[str, Any]
    classes: int
    centre: float
    spread: float
    pictures: tuple[tuple[int, tuple[int, ...]], ...] = ()


def fit(model: Tabular, training: Training, folder: Path, left: Callable[[], float]) -> dict[str, Any]:
    """Train a network on the training rows and write it into ``folder``; the history. ``left``: the seconds that are
    left for it.

    Raises StepError when a number is missing or infinite.
    """
    from safetensors.torch import save_file

    config = shape(model, training) if training.start is None else _read(training.start)
    with device.seeded(training.seed, device.find(training.device), training.threads):
        made = trainable(model, training, config)
        history = loop.train(
            made.module,
            made.rows,
            made.validation,
            made.loss,
            made.settings,
            seed=training.seed,
            folder=training.checkpoints,
            progress=training.progress,
            until=training.until,
            judge=made.judge,
            seconds=None if training.seconds is None else max(0.0, left()),
        )
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.cpu().contiguous() for name, tensor in made.module.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    (folder / CONFIG).write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=1))
    if "private" in history:
        (folder / PRIVATE).write_bytes(msgspec.json.format(msgspec.json.encode(history["private"]), indent=1))
    return {"parameters": sum(p.numel() for p in made.module.parameters()), **history}


def shape(model: Tabular, training: Training) -> Config:
    """The shape of the network for these rows."""
    from mlspec.torchkit.settings import category_width

    levels = training.features.levels
    centre, spread = outputs.scaling(training)
    backbone = model.backbone(training.classes)
    return Config(
        numeric=training.features.numeric.shape[1],
        bins=model.bins,
        numeric_width=model.numeric_width,
        levels=levels,
        widths=tuple(model.category_width or category_width(count) for count in levels),
        backbone=backbone,
        classes=training.classes,
        centre=centre,
        spread=spread,
        pictures=tuple(a for a in training.features.arrays if len(a[1]) == 3) if backbone["kind"] == "cnn" else (),
    )


def untrained(model: Tabular, training: Training) -> loop.Trainable:
    """The network as ``fit`` would begin with it, with its rows."""
    with device.seeded(training.seed, device.find(training.device), training.threads):
        return trainable(model, training, shape(model, training))


def trainable(model: Tabular, training: Training, config: Config) -> loop.Trainable:
    """The untrained network with its rows; to be called within ``device.seeded``. Raises StepError as ``fit`` does."""
    statistics.check(training.features)
    statistics.check(training.validation)
    place = device.find(training.device)
    settings = loop.Settings(
        epochs=model.epochs,
        batch_size=model.batch_size,
        learning_rate=model.learning_rate * (1.0 if training.start is None else GENTLY),
        schedule=model.schedule,
        weight_decay=model.weight_decay,
        clip_norm=model.clip_norm,
        patience=model.patience,
        seconds=model.time,
        computing=device.computing(training),
        private=getattr(model, "private", None),
    )
    network = build(config, training.features)
    if training.start is not None:
        _fill(network, training.start)
    network.to(place)
    lies = memory.lies(_size(training.features) + _size(training.validation), place)
    weights = row_weights(training, model.class_weight)
    if settings.private is not None and (weights is not None or training.start is not None):
        what = "rows that count differently" if weights is not None else "a model that was fitted before"
        raise StepError(f"what private training promises does not hold with {what}", "private")
    rows = _rows(training.features, training.target, weights, config, lies)
    watched = stopping_weights(training, model.class_weight)
    validation = _rows(training.validation, training.validation_target, watched, config, lies)
    return loop.Trainable(
        network,
        rows,
        validation if validation.count else None,
        outputs.of_members(training.classes, model.label_smoothing),
        settings,
        judge=outputs.of_their_mean(training.classes),
    )


def load(model: Tabular, folder: Path, name: str) -> Predictor:
    """The network of this model from its folder, on the device of that name.

    Raises ValueError where the weights are not those of such a network.
    """
    place = device.find(name)
    config = _read(folder)
    _fits(model, config, (folder / WEIGHTS).stat().st_size)
    network = build(config, None)
    try:
        _fill(network, folder)
    except RuntimeError:
        raise ValueError(f"{WEIGHTS} and {CONFIG} are of different networks") from None
    return _Fitted(network.to(place).eval(), config, place)


def to_onnx(model: Tabular, folder: Path, graph: "Graph", features: "Prepared") -> str:
    """The network of this model from its folder as nodes of a graph."""
    from mlspec.torchkit.to_onnx import answer

    fitted = load(model, folder, "cpu")
    assert isinstance(fitted, _Fitted)
    config = fitted.config
    return answer(fitted.network, graph, features, config.classes, config.centre, config.spread)


def _fits(model: Tabular, config: Config, size: int) -> None:
    """Raises ValueError where a network is of another shape than its model says, or has more weights than its file of
    that size: before any memory is taken for it."""
    from mlspec.torchkit.settings import category_width

    columns = (Column("", "number", width=config.numeric), *(Column("", "code", levels=n) for n in config.levels))
    widths = tuple(model.category_width or category_width(count) for count in config.levels)
    same = (config.bins, config.numeric_width, config.widths, config.backbone)
    if same != (model.bins, model.numeric_width, widths, model.backbone(config.classes)):
        raise ValueError(f"{CONFIG} is of another network than the package says")
    # A bound of the convolutions holds where there are pictures for them, one of the edges where all numbers have some.
    text = bool(config.pictures) or config.backbone["kind"] != "cnn"
    least = max(
        (model.least_bytes(columns, config.classes) or 0) if text else 0,
        0 if config.pictures else 4 * config.numeric * (1 + config.bins),
    )
    if min(config.numeric, config.classes, *config.levels) < 0 or least > size:
        raise ValueError(f"{CONFIG} describes more weights than {WEIGHTS} has")


def _read(folder: Path) -> Config:
    return json_values.decode(safe_files.read(folder / CONFIG), Config)


def _fill(network: Network, folder: Path) -> None:
    """The weights from a fitted network's folder."""
    from safetensors.torch import load_file

    network.load_state_dict(load_file(folder / WEIGHTS))


def build(config: Config, features: Features | None) -> Network:
    """A network of that shape; its numbers' curves fit those of ``features``, None where they are read later."""
    count = outputs.count(config.classes)
    numbers: Curves | Scale | Pictures | None
    if config.pictures:
        plain = others(config.numeric, config.pictures)
        embedding = _embedding(config, plain, features)
        width = len(plain) * (config.numeric_width if config.bins else 1)
        about = (config.backbone["channels"], config.backbone["convolutions"])
        numbers = Pictures(config.numeric, config.pictures, embedding, width, *about)
        width = numbers.width + sum(config.widths)
    else:
        numbers = _embedding(config, None, features)
        width = config.numeric * (config.numeric_width if config.bins else 1) + sum(config.widths)
    if features is not None:
        features.forget()
    return Network(numbers, config.levels, config.widths, lambda: backbones.build(config.backbone, width, count))


def _embedding(config: Config, plain: list[int] | None, features: Features | None) -> Curves | Scale | None:
    """What numbers go through, all or the ``plain`` ones; None where there are none."""
    columns = config.numeric if plain is None else len(plain)
    if not columns:
        return None
    if features is not None and plain is not None:
        features = msgspec.structs.replace(features, numeric=features.numeric[:, plain])
    if config.bins:
        shape = (columns, config.bins + 1)
        edges = np.zeros(shape, np.float32) if features is None else statistics.quantile_edges(features, config.bins)
        return Curves(torch.from_numpy(edges), config.numeric_width)
    mean, deviation = (np.zeros(columns), np.zeros(columns)) if features is None else statistics.moments(features)
    scale = np.where(deviation > 0, deviation, 1.0)
    return Scale(torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(scale.astype(np.float32)))


class _Fitted(Predictor):
    def __init__(self, network: Network, config: Config, place: torch.device) -> None:
        self.network = network
        self.config = config
        self.classes = config.classes
        self._place = place

    def predict(self, features: Features) -> Array:
        statistics.check(features)
        numbers, codes = _inputs(features, self._place)
        size = loop.at_once(self.network)
        with torch.inference_mode():
            pieces = [
                self.network(numbers[start : start + size], codes[start : start + size])
                for start in range(0, len(numbers), size)
            ]
        raw = torch.cat(pieces) if pieces else torch.zeros((0, outputs.count(self.config.classes)))
        about = (self.config.classes, self.config.centre, self.config.spread)
        if raw.dim() == 2:
            return outputs.answer(raw, *about)
        members = outputs.answer(raw.flatten(0, 1), *about)
        mean: Array = members.reshape(*raw.shape[:2], *members.shape[1:]).mean(axis=1)
        return mean


def _inputs(features: Features, place: torch.device) -> tuple[Tensor, Tensor]:
    numbers = torch.from_numpy(np.ascontiguousarray(features.numeric, dtype=np.float32))
    codes = torch.from_numpy(np.ascontiguousarray(features.codes, dtype=np.int32))
    return numbers.to(place), codes.to(place)


def _rows(features: Features, target: Array, weights: Array | None, config: Config, place: torch.device) -> loop.Rows:
    inputs = _inputs(features, place)
    wanted = outputs.target(target[features.here], config.classes, config.centre, config.spread, place)
    wanted = outputs.weighted(wanted, None if weights is None else weights[features.here])
    in_file = place.type == "cpu" and features.is_mapped
    if not in_file:
        features.forget()
    return loop.Rows(inputs, wanted, features.forget if in_file else None, features.shares)


def _size(features: Features) -> int:
    """The bytes that rows take, their target and weight included."""
    return (features.numeric.size + features.codes.size) * 4 + len(features.codes) * 2 * 8
