"""Finds plug-ins: the files of the plug-in packages, then what other installed distributions offer.

Names come from listing a folder; a plug-in's module is imported when it is asked for, never before. Distributions count
where the interpreter's own site folders have them, never beside a spec, in the working folder or on PYTHONPATH.
"""

import functools
import importlib
import os
from pathlib import Path
from typing import TypeVar

from mlspec.machine import python_paths
from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Plugin
from mlspec.plugins.baseline import Baseline
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
}
ENTRY_POINTS = "mlspec.plugins"

_P = TypeVar("_P", bound=Plugin)


@functools.cache
def _own(kind: str) -> dict[str, str]:
    package = importlib.import_module(f"mlspec.{kind}")
    found: dict[str, str] = {}
    for folder in package.__path__:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if name.startswith(("_", ".")):
                continue
            if name.endswith(".py"):
                found[name[:-3]] = f"mlspec.{kind}.{name[:-3]}"
            elif os.path.isdir(path):
                for inner in sorted(os.listdir(path)):
                    if inner.endswith(".py") and not inner.startswith("_"):
                        found[f"{name}.{inner[:-3]}"] = f"mlspec.{kind}.{name}.{inner[:-3]}"
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
                text = Path(folder, name, "entry_points.txt").read_text(encoding="utf-8")
            except OSError:
                continue
            section = ""
            for line in text.splitlines() if f"[{ENTRY_POINTS}]" in text else ():
                if line.startswith("["):
                    section = line.strip("[] ")
                elif section == ENTRY_POINTS and "=" in line:
                    key, _, value = line.partition("=")
                    found.setdefault(key.strip(), value.strip())
    return found


def names(kind: str) -> list[str]:
    """The names of all plug-ins of a kind (``sources``, ``transforms``, ``models``, ``metrics``, ``baselines``,
    ``anonymizers``), sorted."""
    return sorted({**_others(kind), **_own(kind)})


def has(kind: str, name: str) -> bool:
    """Whether a plug-in of that name exists; looks at other distributions only when our own have none."""
    return name in _own(kind) or name in _others(kind)


@functools.cache
def plugin(kind: str, name: str) -> type[Plugin]:
    """The class of one plug-in. Raises KeyError when there is none of that name."""
    target = _own(kind).get(name) or _others(kind)[name]
    module_name, _, wanted = target.partition(":")
    module = python_paths.imported(module_name)
    if wanted:
        cls: type[Plugin] = getattr(module, wanted)
        return cls
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, KINDS[kind]) and value.__module__ == module.__name__:
            return value
    raise KeyError(f"{module_name} defines no {KINDS[kind].__name__}")
