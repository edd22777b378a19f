"""A user's own estimator or network: found, built, fitted, saved with its source, read back."""

import hashlib
import importlib
import inspect
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.plugin import Predictor, Training

if TYPE_CHECKING:
    from mlspec.models.python import Python
    from mlspec.torchkit.loop import Trainable

ABOUT = "python.json"
CODE = "code"
MARK = "__mlspec_source__"


def fit(code: str, params: Mapping[str, Any], settings: "Python", training: Training, folder: Path) -> dict[str, Any]:
    """Build the class, fit it, save it and its source in ``folder``; the history.

    The module is looked for in the folders of ``sys.path``. Raises StepError where the class can't be had or built.
    """
    cls = find(code)
    folder.mkdir(parents=True, exist_ok=True)
    _keep_source(cls, folder / CODE)
    is_module = "torch" in sys.modules and issubclass(cls, sys.modules["torch"].nn.Module)
    inputs = training.features.numeric.shape[1] + training.features.codes.shape[1]
    about = {"code": code, "params": dict(params), "module": is_module, "inputs": inputs, "classes": training.classes}
    if is_module:
        from mlspec.torchkit import user_module

        history = user_module.fit(cls, params, settings, training, folder)
        about |= {"centre": history.pop("centre"), "spread": history.pop("spread")}
    else:
        history = _fit_estimator(cls, params, training, folder)
    (folder / ABOUT).write_text(json.dumps(about, sort_keys=True, indent=1))
    return history


def network(code: str, params: Mapping[str, Any], settings: "Python", training: Training) -> "Trainable | None":
    """The untrained network with its rows; None where the class is none. Raises StepError as ``fit`` does."""
    cls = find(code)
    if not ("torch" in sys.modules and issubclass(cls, sys.modules["torch"].nn.Module)):
        return None
    from mlspec.torchkit import device, user_module

    with device.seeded(training.seed, device.find(training.device), training.threads):
        return user_module.trainable(cls, params, settings, training)


def load(folder: Path, device: str) -> Predictor:
    """The fitted estimator or network; the source saved beside it is imported."""
    about = json.loads((folder / ABOUT).read_text())
    source = folder / CODE
    with importable(source):
        if about["module"]:
            from mlspec.torchkit import user_module

            return user_module.load(find(about["code"]), about, folder, device)
        from mlspec.models import _sklearn

        find(about["code"])
        return _sklearn.load(folder, json.loads((folder / _sklearn.ABOUT).read_text())["trusted"])


def find(code: str) -> type[Any]:
    """The class of ``module:Class``. Raises StepError that says what is missing."""
    name, _, wanted = code.partition(":")
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever the user's own module raises
        raise StepError(f"cannot import '{name}' for '{code}': {type(error).__name__}: {error}") from error
    cls = getattr(module, wanted, None)
    if not inspect.isclass(cls):
        raise StepError(f"module '{name}' has no class '{wanted}'")
    return cls


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules in ``folder`` come first; one of the same name from elsewhere or with other text is imported anew.

    Nothing is written into ``folder``.
    """
    texts = {name: _text(folder, name) for name in _names(folder)}
    for name, text in texts.items():
        module = sys.modules.get(name)
        if module is not None and getattr(module, MARK, None) != [str(folder), text]:
            for other in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
                del sys.modules[other]
    path, wrote = str(folder), sys.dont_write_bytecode
    sys.path.insert(0, path)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = wrote
        sys.path.remove(path)
        for name, text in texts.items():
            if name in sys.modules:
                setattr(sys.modules[name], MARK, [str(folder), text])


def _names(folder: Path) -> list[str]:
    """The modules and packages that lie in a folder, except those whose name the standard library or we have."""
    if not folder.is_dir():
        return []
    files = [path.stem for path in folder.glob("*.py")]
    found = files + [path.parent.name for path in folder.glob("*/__init__.py")]
    return sorted(name for name in found if name not in sys.stdlib_module_names and name != "mlspec")


def _text(folder: Path, name: str) -> str:
    single = folder / f"{name}.py"
    total = hashlib.sha256()
    for file in [single] if single.is_file() else sorted((folder / name).rglob("*.py")):
        total.update(file.read_bytes())
    return total.hexdigest()


def _keep_source(cls: type[Any], target: Path) -> None:
    """Copy the module that defines the class, or the whole package it lies in; what is installed stays where it is."""
    name = cls.__module__.partition(".")[0]
    file = getattr(sys.modules[name], "__file__", None)
    if file is None or "site-packages" in Path(file).parts or name in sys.stdlib_module_names:
        return
    path = Path(file)
    target.mkdir(exist_ok=True)
    if path.name == "__init__.py":
        for source in sorted(path.parent.rglob("*.py")):
            copy = target / name / source.relative_to(path.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    else:
        shutil.copyfile(path, target / path.name)


def _fit_estimator(cls: type[Any], params: Mapping[str, Any], training: Training, folder: Path) -> dict[str, Any]:
    import skops.io

    from mlspec.models import _sklearn

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
    warnings = _sklearn.fit(estimator, training, _sklearn.plain(training.features))
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
    _sklearn.save(estimator, folder, classes=training.classes, trusted=trusted)
    return {"warnings": warnings, "trusted": sorted(trusted)}
