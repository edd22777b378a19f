"""Imports ``skops.io`` without all that it would import."""

import importlib
import sys
from types import ModuleType
from typing import Any


def skops_io() -> ModuleType:
    """``skops.io``, which trusts no estimator of scikit-learn by itself: callers name what they trust.

    When it is imported, it asks scikit-learn for the list of all its estimators, for which all of scikit-learn is
    imported, and torch where that is installed: 1.7 seconds of CPU and 250 MB for a linear model.
    """
    if "skops.io" not in sys.modules:
        utils: Any = importlib.import_module("sklearn.utils")
        every = utils.all_estimators
        utils.all_estimators = list
        try:
            importlib.import_module("skops.io")
        finally:
            utils.all_estimators = every
    return sys.modules["skops.io"]


def untrusted(archive: bytes) -> list[str]:
    """The types in an archive that are neither skops' own nor estimators of scikit-learn."""
    names: list[str] = skops_io().get_untrusted_types(data=archive)
    return [name for name in names if not _is_estimator(name)]


def estimators(archive: bytes) -> list[str]:
    """The estimators of scikit-learn in an archive."""
    return [name for name in skops_io().get_untrusted_types(data=archive) if _is_estimator(name)]


def _is_estimator(name: str) -> bool:
    if not name.startswith("sklearn."):
        return False
    from sklearn.base import BaseEstimator

    module, _, cls = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), cls, None)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, BaseEstimator)
