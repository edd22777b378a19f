"""The census with privacy and fairness in force: what mitigation does, what it shows, what callers send."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from .conftest import Mlspec, copy


@pytest.mark.slow
def test_mitigation_and_what_more_data_would_buy(mlspec: Mlspec, tmp_path: Path) -> None:
    folder = copy("adult-fair", tmp_path)
    spec = folder / "project.yaml"
    spec.write_text(spec.read_text().replace("    trees: {type: hist_gradient_boosting}\n", ""))
    smoke = ("--profile", "smoke")
    done = mlspec("run", *smoke, cwd=folder)
    assert re.search(r"Mitigation \(constrained by sex\): equal_opportunity_difference \S+ -> \S+", done.stdout)
    assert "Learning curve: " in done.stdout
    assert "nothing to do" in mlspec("run", *smoke, cwd=folder).stderr
    facts = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    assert len(facts["tradeoff"]["curve"]) >= 3
    assert [point["fraction"] for point in facts["scaling"]["points"]] == [0.25, 0.5, 1.0]
    page = (folder / facts["report"]).read_text()
    assert "Mitigation" in page
    assert "Learning curve" in page
    # Thresholds by group: another method is an error until it says why it is lawful, and then callers send the group.
    text = spec.read_text()
    spec.write_text(text.replace("{method: constrained,", "{method: thresholds,"))
    told = mlspec("validate", cwd=folder, code=2).stderr
    assert "error[mitigation-does-not-fit]: decisions would depend on group membership" in told
    text = text.replace("{method: constrained,", "{method: thresholds, lawful_basis: A test.,")
    text = text.replace("rounds: 4, minimum", "minimum")
    spec.write_text(re.sub(r"(?m)^ +scaling: .*\n|, scaling: \{.*\}(?=\})", "", text))
    again = mlspec("run", *smoke, cwd=folder)
    assert "train.linear: " in again.stderr  # constrained no more: fitted again
    facts = json.loads(mlspec("show", "--format", "json", cwd=folder).stdout)
    own = facts["tradeoff"]["thresholds"]
    assert set(own) == {"Female", "Male"}
    assert facts["tradeoff"]["after"]["differences"]["equal_opportunity_difference"]["value"] <= 0.05
    rows = pl.read_csv(folder / "data/test.csv.gz").head(300).drop("income", "relationship", "native_country")
    rows.write_csv(folder / "new.csv")
    mlspec("predict", ".", "new.csv", "-o", "answers.csv", "--keep", "sex", cwd=folder)
    answers = pl.read_csv(folder / "answers.csv")
    expected = answers["p_>50K"] >= answers["sex"].replace_strict(own, return_dtype=pl.Float64)
    assert ((answers["prediction"] == ">50K") == expected).all()
    rows.drop("sex").write_csv(folder / "new.csv")
    told = mlspec("predict", ".", "new.csv", "-o", "answers.csv", cwd=folder, code=2).stderr
    assert "has no column 'sex', which the model needs" in told
    card = (folder / facts["model"] / "README.md").read_text()
    assert "Lawful basis: A test" in card
