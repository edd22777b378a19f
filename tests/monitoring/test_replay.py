"""Test rows of an example as they would be served: undisturbed, and with one column that a broken upstream table
changes."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.monitoring.made import NOW, write_log

from mlspec import api, paths
from mlspec.cli import main
from mlspec.monitoring.findings import Monitored
from mlspec.steps.serving import package_format
from mlspec.store.store import Store

ROOT = Path(__file__).parents[2]
OPERATION = """
operation:
  labels: {source: labels.csv}
  monitor:
    window: {rows: 1000, at_most: 1d}
    drift: {psi: {at_most: 0.1}, prediction: {at_most: 0.2}, missing: {at_most: 0.1}, unseen: {at_most: 0.02}}
    quality: [{metric: balanced_accuracy, at_least: 0.85}, {metric: accuracy, at_least: 0.8, estimated: true}]
"""
ROWS = 1000


@pytest.mark.slow
def test_a_shift_injected_into_test_rows_names_its_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "penguins"
    shutil.copytree(ROOT / "specs/penguins", folder, ignore=shutil.ignore_patterns(".mlspec", "mlspec.lock"))
    spec = folder / "project.yaml"
    spec.write_text(spec.read_text() + OPERATION)
    run = api.run(folder)
    assert run.model is not None
    model = Path(run.model)
    digest = package_format.digest(model)
    assert api.load_model(model).about.files.keys() >= {"reference.json", "README.md"}
    split = next(step for step in run.steps if step.id == "split")
    test = pl.read_parquet(Store(paths.store(paths.home(folder))).path(split.outputs["test"]))
    test = test[np.random.default_rng(1).integers(0, test.height, ROWS)]
    loaded = api.load_model(model, trust_code=True)

    def served(rows: "pl.DataFrame", name: str) -> Monitored:
        answers = api.predict(loaded, rows)
        log = tmp_path / name
        write_log(
            log,
            {column: rows[column] for column, _ in loaded.about.columns},
            prediction=answers["prediction"],
            probability={column[2:]: answers[column] for column in answers.columns if column.startswith("p_")},
            model=digest,
        )
        labels = tmp_path / f"{name}.csv"
        pl.DataFrame({"request_id": [f"r{at}" for at in range(ROWS)], "species": rows["species"]}).write_csv(labels)
        return api.monitor(log, labels, package=model, now=NOW)

    quiet = served(test, "quiet")
    assert quiet.alarms == ()
    assert ("quality", "pass") in {(one.monitor, one.verdict) for one in quiet.findings}
    for column in ("body_mass_g", "bill_depth_mm"):
        found = served(test.with_columns(pl.col(column) * 1.2), column)
        drifted = {one.subject for one in found.alarms if one.monitor == "drift.psi"}
        assert drifted == {column}, column
    other = served(test.with_columns(island=pl.lit("Atlantis")), "island")
    assert {one.subject for one in other.alarms if one.monitor == "drift.unseen"} == {"island"}
    weak = api.run(folder, sets=["data.columns.features=[year, sex]"])
    log, labels = tmp_path / "quiet", tmp_path / "quiet.csv"
    since = NOW - timedelta(hours=2)
    given = [str(log), str(labels), "--package", str(model), "--since", since.isoformat(), "--now", NOW.isoformat()]
    same = api.compare_candidate(log, labels, package=model, candidate=model, since=since, now=NOW)
    assert [(one.value, one.verdict) for one in same.differences] == [(0.0, "unknown")] * len(same.differences)
    assert (same.worse, same.rows) == (False, 2 * 360)
    assert main(["retrain", *given, "--candidate", str(weak.model)]) == 1
    shown = capsys.readouterr().out
    said = r"^worse +balanced_accuracy +0\.\d+, in service [01]\.\d+, difference -0\.\d+ \[-"
    assert re.search(said, shown, re.MULTILINE)
    assert shown.endswith("The candidate is worse\n")
    late = (NOW + timedelta(hours=1)).isoformat()
    assert main(["retrain", *given[:4], "--since", late, "--candidate", str(model), "--now", late]) == 2
    told = "error[bad-candidate]: no row after --since has a label: there is nothing to compare on"
    assert capsys.readouterr().err.startswith(told)
    assert main(["retrain", *given]) == 2
    assert "takes either --check, or --candidate with --since" in capsys.readouterr().err
