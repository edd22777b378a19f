"""A sample of the campaign over real tables: `init`, then `run`, without an edit, ends as an expert would have it."""

import csv
import importlib
from pathlib import Path

import pytest
from sklearn import datasets

FOLDER = Path(__file__).parents[2] / "benchmarks"


def exported(name: str, folder: Path) -> Path:
    """A table that scikit-learn bundles, as CSV."""
    bunch = getattr(datasets, f"load_{name}")()
    targets = bunch.target.reshape(len(bunch.data), -1)
    names = bunch.target_names if targets.shape[1] > 1 else ["target"]
    file = folder / f"{name}.csv"
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow([*bunch.feature_names, *names])
        writer.writerows([*row, *answer] for row, answer in zip(bunch.data.tolist(), targets.tolist(), strict=True))
    return file


@pytest.mark.slow
def test_bundled_tables_end_as_an_expert_would_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    any_table = importlib.import_module("any_table")
    files = {name: exported(name, tmp_path) for name in ("wine", "breast_cancer", "linnerud")}
    results = list(any_table.campaign(files, tmp_path / "out", any_table.Way(seconds=300, tries=False)))
    assert len(results) == len(files)
    for tried in results:
        assert tried.outcome in ("held", "not held"), tried.said
        assert tried.disagree == (), tried
