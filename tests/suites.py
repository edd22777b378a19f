"""The suite in two: ``pytest`` runs what is quick, ``pytest -m slow`` campaigns and whole runs."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def later(cases: Iterable[Any], is_slow: Callable[[Any], bool]) -> list[Any]:
    """The cases, those that are slow with the mark."""
    return [pytest.param(case, marks=pytest.mark.slow) if is_slow(case) else case for case in cases]
