"""Finds plug-ins: the files of the plug-in packages, then what other installed distributions offer.

Names come from listing a folder; a plug-in's module is imported when it is asked for, never before. A plug-in's class
has the name of its file, without the underscores: ``RandomForest`` in ``random_forest.py``. Distributions count
where the interpreter's own site folders have them, never beside a spec, in the working folder or on PYTHONPATH.
"""

import functools
import os
from collections.abc import Iterator
from types import ModuleType
from typing import cast

from mlspec.diagnostics import MlspecError
from mlspec.machine import python_paths
from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Plugin
from mlspec.plugins.baseline import Baseline
from mlspec.plugins.constraint import Constraint
from mlspec.plugins.metric import Metric
from mlspec.plugins.model import Model
from mlspec.plugins.source import Source
from mlspec.plugins.transform import Transform

KINDS: dict[str, type[Plugin]] = {
    "sources": Source,
    "transforms": Transform,
    "models": Model,
    "metrics": Metric,
    "baselines": Baseline,
    "anonymizers": Anonymizer,
    "constraints": Constraint,
}
ENTRY_POINTS = "mlspec.plugins"
ENGINES, BACKENDS = "engines", "mlspec_backends"  # a kind whose plug-ins are modules, and the package that has ours


class PluginError(MlspecError):
    """A plug-in can't be used: a library is missing, or it is no plug-in. ``code`` and ``label`` are those of the
    diagnostic that says so."""

    def __init__(self, code: str, message: str, label: str = "") -> None:
        self.code, self.label = code, label
        super().__init__(message)


@functools.cache
def _own(kind: str) -> dict[str, str]:
    base = BACKENDS if kind == ENGINES else f"mlspec.{kind}"
    package = python_paths.imported(base)
    found: dict[str, str] = {}
    for folder in package.__path__:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name.startswith(("_", ".")):
                continue
            if name.endswith(".py"):
                found[name[:-3]] = f"{base}.{name[:-3]}"
            elif os.path.isdir(path):
                for inner in sorted(os.listdir(path)):
                    if inner.endswith(".py") and not inner.startswith("_"):
                        found[f"{name}.{inner[:-3]}"] = f"{base}.{name}.{inner[:-3]}"
    return found


@functools.cache
def _others(kind: str) -> dict[str, str]:
    return {name.split("/", 1)[1]: value for name, value in _entry_points().items() if name.startswith(f"{kind}/")}


def foreign(kind: str) -> dict[str, str]:
    """The plug-ins of a kind that other distributions offer, as MODULE:CLASS by name; not those that ours hide."""
    return {name: target for name, target in _others(kind).items() if name not in _own(kind)}


@functools.cache
def _entry_points() -> dict[str, str]:
    """What other distributions offer. Read here: importing importlib.metadata costs more than everything around it."""
    found: dict[str, str] = {}
    for folder in python_paths.site_folders():
        try:
            names = [name for name in os.listdir(folder) if name.endswith(".dist-info")]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), "rb", buffering=0) as file:
                    data = file.read()
            except OSError:
                continue
            section = ""
            for line in data.decode("utf-8", "replace").splitlines() if f"[{ENTRY_POINTS}]".encode() in data else ():
                if line.startswith("["):
                    section = line.strip("[] ")
                elif section == ENTRY_POINTS and "=" in line:
                    key, _, value = line.partition("=")
                    found.setdefault(key.strip(), value.strip())
    return found


def each(kind: str, within: str = "") -> Iterator[str]:
    """The names of our own plug-ins of a kind, those that are ``within`` a text first, then those of other
    distributions, which are looked for only then."""
    own = _own(kind)
    yield from sorted(own, key=lambda name: (name not in within, name))
    yield from sorted(_others(kind).keys() - own)


def names(kind: str) -> list[str]:
    """The names of all plug-ins of a kind (``sources``, ``transforms``, ``models``, ``metrics``, ``baselines``,
    ``anonymizers``, ``constraints``, ``engines``), sorted."""
    return sorted({**_others(kind), **_own(kind)})


def has(kind: str, name: str) -> bool:
    """Whether a plug-in of that name exists; looks at other distributions only when our own have none."""
    return name in _own(kind) or name in _others(kind)


@functools.cache
def plugin(kind: str, name: str) -> type[Plugin]:
    """The class of one plug-in. Raises KeyError when there is none of that name, PluginError where it can't be used."""
    target = _own(kind).get(name) or _others(kind)[name]
    module_name, _, wanted = target.partition(":")
    module = _imported(kind, name, module_name)
    plain = module_name.rpartition(".")[2].replace("_", "").lower()
    found = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, KINDS[kind])
        if (key == wanted if wanted else value.__module__ == module.__name__ and key.lower() == plain)
    }
    if not found:
        named = f"'{wanted}'" if wanted else f"'{_class_name(module_name)}', named after its file"
        message = f"{kind[:-1]} '{name}' can't be used: {module_name} has no class {named}"
        raise PluginError("plugin-broken", message, f"a subclass of {KINDS[kind].__module__}.{KINDS[kind].__name__}")
    return next(iter(found.values()))


def usable(kind: str, within: str = "") -> Iterator[tuple[str, type[Plugin]]]:
    """Every plug-in of a kind that can be used here, in the order of ``each``."""
    for name in each(kind, within):
        try:
            yield name, plugin(kind, name)
        except PluginError:
            continue


def engine(name: str) -> ModuleType:
    """The module of an engine. Raises KeyError when there is none of that name, PluginError where it can't be used."""
    module = _imported(ENGINES, name, _own(ENGINES).get(name) or _others(ENGINES)[name])
    if not callable(getattr(module, "start", None)):
        raise PluginError("plugin-broken", f"engine '{name}' can't be used: {module.__name__} has no function 'start'")
    return module


def _imported(kind: str, name: str, module: str) -> ModuleType:
    try:
        return python_paths.imported(module)
    except Exception as error:  # whatever a plug-in's own module raises
        library = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        if library not in ("", "mlspec", module.partition(".")[0]):
            message = f"{kind[:-1]} '{name}' needs {library}, which is not installed here"
            raise PluginError("library-not-installed", message, f"pip install {library}") from error
        message = f"{kind[:-1]} '{name}' can't be imported: {type(error).__name__}: {error}"
        raise PluginError("plugin-broken", message) from error


def _class_name(module: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in module.rpartition(".")[2].split("_"))


def constraint(name: str) -> type[Constraint]:
    """The class of a constraint. Raises as ``plugin`` does."""
    return cast(type[Constraint], plugin("constraints", name))
