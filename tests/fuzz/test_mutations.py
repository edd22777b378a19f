"""A few hundred of the mutations that ``mutate.py`` tries by the ten thousand."""

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.parametrize("count", [100, pytest.param(400, marks=pytest.mark.slow)])
def test_every_mutated_spec_ends_in_located_diagnostics_or_is_valid(count: int) -> None:
    path = Path(__file__).with_name("mutate.py")
    found = importlib.util.spec_from_file_location("mutate", path)
    assert found is not None
    assert found.loader is not None
    mutate = importlib.util.module_from_spec(found)
    found.loader.exec_module(mutate)
    tally, _slowest, missed = mutate.run(count, seed=7)
    assert tally["without a place"] == 0
    assert tally["typo: right place"] >= 0.98 * tally["typo"], missed
    assert tally["typo: right suggestion"] >= 0.95 * tally["typo"], missed
