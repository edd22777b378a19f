"""A user's own estimator or network: found, built, fitted, saved with its source, read back."""

import contextlib
import inspect
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.plugins.model import Predictor, Training
from mlspec.torchkit.settings import About

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable
    from mlspec.torchkit.settings import ModuleSettings

ABOUT = "python.json"
CODE = "code"
_FOLDER: ContextVar[Path | None] = ContextVar("_FOLDER", default=None)


def fit(
    code: str, params: Mapping[str, Any], settings: "ModuleSettings", training: Training, folder: Path
) -> dict[str, Any]:
    """Build the class, fit it, save it and its source in ``folder``; the history.

    Raises StepError where the class can't be found or built.
    """
    cls = find(code)
    folder.mkdir(parents=True, exist_ok=True)
    _keep_source(code, folder / CODE)
    is_module = "torch" in sys.modules and issubclass(cls, sys.modules["torch"].nn.Module)
    inputs = training.features.numeric.shape[1] + training.features.codes.shape[1]
    about = {"code": code, "params": dict(params), "module": is_module, "inputs": inputs, "classes": training.classes}
    if is_module:
        from mlspec.torchkit import user_module

        history = user_module.fit(cls, params, settings, training, folder)
        about |= {"centre": history.pop("centre"), "spread": history.pop("spread")}
    else:
        history = _fit_estimator(cls, params, training, folder)
    if getattr(cls, "refit", None) is True:
        history["refit"] = True
    (folder / ABOUT).write_text(json.dumps(about, sort_keys=True, indent=1))
    return history


def network(code: str, params: Mapping[str, Any], settings: "ModuleSettings", training: Training) -> "Trainable | None":
    """The untrained network with its rows; None where the class is none. Raises StepError as ``fit`` does."""
    cls = find(code)
    if not ("torch" in sys.modules and issubclass(cls, sys.modules["torch"].nn.Module)):
        return None
    from mlspec.torchkit import device, user_module

    with device.seeded(training.seed, device.find(training.device), training.threads):
        return user_module.trainable(cls, params, settings, training)


def load(folder: Path, device: str) -> Predictor:
    """The fitted estimator or network; the source saved beside it is run. Raises ValueError where it is damaged."""
    about = json_values.decode(safe_files.read(folder / ABOUT), About)
    with importable(folder / CODE):
        cls = find(about.code)
        if about.module:
            from mlspec.torchkit import user_module

            return user_module.load(cls, about, folder, device)
        from mlspec import sklearnkit, user

        return sklearnkit.load_own(folder, user.named(cls)[0])


def find(code: str) -> type[Any]:
    """The class of ``module:Class``: of a file in the folder of ``importable``, or else of an installed module.

    Raises StepError that says what is missing.
    """
    from mlspec import user
    from mlspec.machine import python_paths
    from mlspec.user.sources import locate

    name, _, wanted = code.partition(":")
    folder = _FOLDER.get()
    try:
        is_own = folder is not None and locate(folder, name) is not None
        module = user.module(folder, name) if folder is not None and is_own else python_paths.imported(name)
    except Exception as error:  # whatever the user's own module raises
        raise StepError(f"cannot import '{name}' for '{code}': {type(error).__name__}: {error}") from error
    cls = getattr(module, wanted, None)
    if not inspect.isclass(cls):
        raise StepError(f"module '{name}' has no class '{wanted}'")
    return cls


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """``find`` looks in ``folder`` first. Nothing is written there, and ``sys.path`` stays as it is."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def _keep_source(code: str, target: Path) -> None:
    """Copy the module with all that it imports from its folder; what is installed stays where it is."""
    from mlspec.user.sources import closure

    folder = _FOLDER.get()
    for name, source in closure(folder, code.partition(":")[0]).items() if folder is not None else ():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def _fit_estimator(cls: type[Any], params: Mapping[str, Any], training: Training, folder: Path) -> dict[str, Any]:
    from mlspec import sklearnkit

    try:
        estimator = cls(**params)
    except TypeError as error:
        raise StepError(f"'{cls.__name__}' can't be built with these params: {error}") from error
    wanted = "predict_proba" if training.classes else "predict"
    for method in ("fit", wanted):
        if not callable(getattr(estimator, method, None)):
            raise StepError(f"'{cls.__name__}' has no method '{method}'")
    if training.weights is not None and "sample_weight" not in inspect.signature(estimator.fit).parameters:
        raise StepError(f"'{cls.__name__}.fit' takes no sample_weight, which weights of rows need")
    if "random_state" in inspect.signature(cls).parameters and params.get("random_state") is None:
        estimator.set_params(random_state=training.seed)
    warnings = sklearnkit.fit(estimator, training)
    return {"warnings": warnings, "trusted": sklearnkit.save_own(estimator, folder, classes=training.classes)}
