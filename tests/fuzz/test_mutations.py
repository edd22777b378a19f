"""A few hundred of the mutations that ``mutate.py`` tries by the ten thousand."""

import importlib.util
from pathlib import Path


def test_every_mutated_spec_ends_in_located_diagnostics_or_is_valid() -> None:
    path = Path(__file__).with_name("mutate.py")
    found = importlib.util.spec_from_file_location("mutate", path)
    assert found is not None
    assert found.loader is not None
    mutate = importlib.util.module_from_spec(found)
    found.loader.exec_module(mutate)
    tally, _slowest, missed = mutate.run(400, seed=7)
    assert tally["without a place"] == 0
    assert tally["typo: right place"] >= 0.98 * tally["typo"], missed
    assert tally["typo: right suggestion"] >= 0.95 * tally["typo"], missed
