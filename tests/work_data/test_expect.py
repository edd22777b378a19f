"""Expectations: each kind holds and fails in words, rows are left out, private values are hidden, drift is measured."""

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlspec.diagnostics import StepError
from mlspec.graph.passes.references import pins
from mlspec.spec.expect import MERGED, measured_by_parts
from mlspec.steps.data import anomalies, distinct_rows, drift, expect, expect_part, parquet, split
from mlspec.steps.job import Job

DAY = dt.date(2024, 1, 1)
ROWS = pl.DataFrame(
    {
        "id": list(range(200)),
        "day": [DAY + dt.timedelta(days=i // 3) for i in range(200)],
        "age": [i % 67 for i in range(200)],
        "who": [f"p{i % 17}" for i in range(200)],
        "hole": [i if i % 2 else None for i in range(200)],
        "flat": [9 if i % 20 == 0 else 1 for i in range(200)],
        "town": ["A" if i % 10 else "B-7" for i in range(200)],
        "y": ["often" if i % 10 else "rare" for i in range(200)],
    }
)
TOWNS = pl.DataFrame({"name": ["A", "C"], "size": [1, 2]})
Asked = dict[str, Any]


def checked(folder: Path, *expectations: Asked, masked: tuple[str, ...] = (), leaving: bool = False) -> Job:
    """An expect step, run over the rows in two parts."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"table.a": folder / "a", "table.b": folder / "b", "source.towns": folder / "towns"}
    parquet.write(ROWS.head(150), inputs["table.a"])
    parquet.write(ROWS.tail(50), inputs["table.b"])
    parquet.write(TOWNS, inputs["source.towns"])
    names = ("report", "verdict", *(("dropped", "quarantine") if leaving else ()))
    job = Job(
        id="expect",
        kind="expect",
        params={"expectations": list(expectations), "masked": list(masked)},
        inputs=inputs,
        outputs={name: folder / name for name in names},
        scratch=folder,
        root=folder,
    )
    expect.run(job)
    return job


def of(column: str, **check: Any) -> Asked:
    """An expectation of a column."""
    return {"column": column, **check}


# What is expected, what is said when it does not hold, and the same with room enough.
FAILS: dict[str, tuple[Asked, Asked]] = {
    "200 rows, at least 500 expected. If that is as it should be: {rows: {at_least: 200}}": (
        {"rows": {"at_least": 500}}, {"rows": {"at_most": 200}}),
    "'age' is outside 5 to 60 in 32 rows (it goes from 0 to 66). "
    "If that is as it should be: {column: age, between: [0, 66]}, or "
    "{column: age, between: [5, 60], on_fail: drop_rows}":
        (of("age", between=[5, 60]), of("age", between=[5, 60], tolerance=0.16)),
    "'who' repeats a value in 183 rows, but each should occur once. "
    "If that is as it should be: {column: who, unique: true, on_fail: drop_rows}":
        (of("who", unique=True), of("id", unique=True)),
    "'y', 'who' repeat a combination in 166 rows": (
        {"columns": ["y", "who"], "unique": True},
        {"columns": ["id", "who"], "unique": True},
    ),
    "'y' has values that are not allowed in 20 rows, 'rare' for one. "
    "If that is as it should be: {column: y, allowed: [often, rare]}, or "
    "{column: y, allowed: [often], on_fail: drop_rows}":
        (of("y", allowed=["often"]), of("y", allowed=["often", "rare"])),
    "'hole' is missing in 50.00% of rows, at most 10.00% expected. "
    "If that is as it should be: {column: hole, missing: {at_most: 0.5}}":
        (of("hole", missing={"at_most": 0.1}), of("hole", missing={"at_most": 0.5})),
    "'hole' is missing in 50.00% of rows, at most 0.00% expected. ": (
        of("hole", missing={"at_most": 0}), of("id", missing={"at_most": 0})),
    "'town' does not match [A-Z]+ in 20 rows, 'B-7' for one": (
        of("town", matches="[A-Z]+"), of("town", matches="A|B-.")),
    "'town' is 1 to 3 characters long, in 20 rows not at most 2": (
        of("town", length={"at_most": 2}), of("town", length={"at_least": 1, "at_most": 3})),
    "'town' has values in 20 rows that 'name' of source 'towns' lacks, 'B-7' for one": (
        of("town", refers_to={"source": "towns", "column": "name"}),
        {**of("size", allowed=[1, 2]), "source": "towns"}),
    "age < hole does not hold in ": ({"holds": "age < hole"}, {"holds": "age <= id"}),
    "'who' has 17 distinct values, at most 9 expected": (
        of("who", distinct={"at_most": 9}), of("who", distinct={"at_least": 17, "at_most": 17})),
    "'age' has 6,567 as its sum, at least 9,000 expected": (
        of("age", sum={"at_least": 9000}), of("age", sum={"at_least": 6567})),
    "'age' has 32.835 as its mean, at most 30 expected. "
    "If that is as it should be: {column: age, mean: {at_most: 32.9}}": (
        of("age", mean={"at_most": 30}), of("age", mean={"at_most": 33})),
    "the 0.9 quantile of 'age' is 59.1, at most 50 expected. "
    "If that is as it should be: {column: age, quantile: {at: 0.9, at_most: 59.1}}": (
        of("age", quantile={"at": 0.9, "at_most": 50}), of("age", quantile={"at": 0.9, "at_most": 60})),
    "group rare of 'y' has 10.00% of rows, at least 20.00% expected. "
    "If that is as it should be: {column: y, groups: {share: {at_least: 0.1}}}": (
        of("y", groups={"share": {"at_least": 0.2}}), of("y", groups={"share": {"at_least": 0.1}})),
    "'who' makes 17 groups, at least 20 expected": (
        of("who", groups={"count": {"at_least": 20}}), of("who", groups={"rows": {"at_least": 11, "at_most": 12}})),
    "group rare, p1 of 'y', 'who' has 1 row, at least 3 expected (so 16 more groups). "
    "If that is as it should be: {columns: [y, who], groups: {rows: {at_least: 1}}}": (
        {"columns": ["y", "who"], "groups": {"rows": {"at_least": 3}}},
        {"columns": ["y"], "groups": {"rows": {"at_least": 3}}}),
    "'age' has 49.00% of rows outside the fences, at most 1.00% expected (15.6675 to 49.5825). "
    "If that is as it should be: {column: age, anomalies: {at_most: 0.49, reach: 0.01}}, or "
    "{column: age, between: [15.6675, 49.5825], on_fail: drop_rows}":
        (of("age", anomalies={"at_most": 0.01, "reach": 0.01}), of("age", anomalies={"at_most": 0.01, "reach": 3.0})),
    "'flat' has equal quartiles, so there are no fences for anomalies":
        (of("flat", anomalies={"at_most": 0.01, "reach": 3.0}), of("flat", anomalies={"at_most": 0.2, "reach": 3.0})),
    "200 rows, 75.00% fewer than the 800 that mlspec.lock has pinned, at most 50.00% expected. "
    "If that is as it should be: {rows: {at_least: 1, change: {at_most: 0.75}}}, or "
    "mlspec run --accept-data pins it as it is now":
        ({"rows": {"at_least": 1, "at_most": None, "change": {"at_most": 0.5}}, "before": {"rows": {"rows": 800}}},
         {"rows": {"change": {"at_most": 0.75}}, "before": {"rows": {"rows": 800}}}),
    "200 rows, 100.00% more than the 100 that mlspec.lock has pinned, at most 50.00% expected":
        ({"rows": {"change": {"at_most": 0.5}}, "before": {"rows": {"rows": 100}}},
         {"rows": {"change": {"at_most": 0.5}}, "before": {"rows": {"rows": 134}}}),
    "'hole' is missing in 50.00% of rows, in 40.00% when mlspec.lock pinned it, a change of at most 5.00% expected. "
    "If that is as it should be: {column: hole, missing: {change: {at_most: 0.1}}}, or ":
        (of("hole", missing={"change": {"at_most": 0.05}}, before={"missing": {"missing": 0.4}}),
         of("hole", missing={"change": {"at_most": 0.05}}, before={"missing": {"missing": 0.54}})),
    "'town' has values in 10.00% of rows that no row had when mlspec.lock pinned them, 'B-7' for one, "
    "at most 5.00% expected. If that is as it should be: {column: town, unseen: {at_most: 0.1}}, or ":
        (of("town", unseen={"at_most": 0.05}, before={"levels": {"levels": ["A", "Z"]}}),
         of("town", unseen={"at_most": 0.1}, before={"levels": {"levels": ["A", "Z"]}})),
    "10.00% of rows are outside the fences of 2 or more of 'age', 'id', 'flat', at most 1.00% expected. "
    "If that is as it should be: {columns: [age, id, flat], anomalies: {at_most: 0.1, reach: 0.2}}":
        ({"columns": ["age", "id", "flat"], "anomalies": {"at_most": 0.01, "reach": 0.2, "together": 2}},
         {"columns": ["age", "id", "flat"], "anomalies": {"at_most": 0.0, "reach": 0.2, "together": 3}}),
    "the newest 'day' is 2024-03-07, 24 days old, at most 20 expected. "
    "If that is as it should be: {column: day, freshness: {at_most: 24d}}": (
        of("day", freshness={"at_most": 20 * 86_400.0}, today="2024-03-31"),
        of("day", freshness={"at_most": 24 * 86_400.0}, today="2024-03-31")),
    "group B-7 of 'town' has 20 rows, at least 50 expected": (
        of("town", groups={"rows": {"at_least": 50}}), {"rows": {"at_least": 2}, "source": "towns"}),
}  # fmt: skip


@pytest.mark.parametrize("said", FAILS)
def test_what_does_not_hold_is_reported_in_numbers(said: str, tmp_path: Path) -> None:
    asked, roomy = FAILS[said]
    with pytest.raises(StepError) as caught:
        checked(tmp_path, {"rows": {"at_least": 1}}, asked)
    told = str(caught.value).removeprefix("the data is not as expected: ")
    assert told.startswith(said)
    assert caught.value.path == ("data", "expect", 1)
    warned = checked(tmp_path / "warned", {**asked, "severity": "warn"})
    assert json.loads(warned.outputs["report"].read_bytes())[0]["holds"] is False
    held = checked(tmp_path / "held", roomy)
    assert json.loads(held.outputs["report"].read_bytes())[0]["holds"] is True
    assert warned.outputs["verdict"].read_bytes() == held.outputs["verdict"].read_bytes()


def test_all_that_fails_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"at least 500 expected; .* at most 10.00% expected") as caught:
        checked(tmp_path, {"rows": {"at_least": 500}}, of("hole", missing={"at_most": 0.1}))
    assert caught.value.path == ("data", "expect", 0)


def test_parts_give_the_report_of_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [{**wrong, "severity": "warn"} for wrong, _right in FAILS.values() if "drift" not in wrong]
    parquet.write(ROWS, tmp_path / "rows")
    parquet.write(TOWNS, tmp_path / "towns")
    source = {"source.towns": tmp_path / "towns"}

    def job(name: str, expectations: list[Any], inputs: dict[str, Path], outputs: tuple[str, ...]) -> Job:
        (tmp_path / name).mkdir()
        return Job(
            id=name,
            kind="expect",
            params={"expectations": expectations, "masked": ["who"]},
            inputs=inputs | source,
            outputs={output: tmp_path / name / output for output in outputs},
            scratch=tmp_path,
            root=tmp_path,
        )

    whole = job("whole", asked, {"table.a": tmp_path / "rows"}, ("report", "verdict"))
    expect.run(whole)
    mine = [[i, one] for i, one in enumerate(asked) if "source" not in one and measured_by_parts(one)]
    assert {key for _i, one in mine for key in one} >= MERGED - {"freshness"}
    measured = {}
    for number, (start, stop) in enumerate(((0, 70), (70, 70), (70, 71), (71, 200))):
        parquet.write(ROWS[start:stop], tmp_path / f"rows{number}")
        part = job(f"part{number}", mine, {"table.a": tmp_path / f"rows{number}"}, ("measured",))
        expect_part.run(part)
        measured[f"measured.{number}"] = part.outputs["measured"]
    # A few rows at a time, as where there are many.
    monkeypatch.setattr(distinct_rows, "BOUND", 5_000)
    merged = job("merged", asked, {"table.a": tmp_path / "rows"} | measured, ("report", "verdict"))
    expect.run(merged)
    assert json.loads(merged.outputs["report"].read_bytes()) == json.loads(whole.outputs["report"].read_bytes())


def test_rows_are_left_out_or_kept_aside(tmp_path: Path) -> None:
    dropping = of("hole", missing={"at_most": 0}, on_fail="drop_rows")
    aside = of("y", allowed=["often"], on_fail="quarantine")
    job = checked(tmp_path, dropping, aside, leaving=True)
    gone = pl.read_parquet(job.outputs["dropped"])
    wrong = ROWS.filter(pl.col("hole").is_null() | (pl.col("y") == "rare"))
    assert gone.height == wrong.height
    kept = pl.read_parquet(job.outputs["quarantine"])
    assert kept["id"].to_list() == list(range(0, 200, 10))
    outputs = {name: tmp_path / f"part.{name}" for name in ("train", "validation", "test", "report")}
    params = {"by": "random", "column": None, "test": 0.2, "validation": 0.1, "seed": 0, "parts": {}, "sample": None}
    inputs = {**{name: job.inputs[name] for name in ("table.a", "table.b")}, "dropped": job.outputs["dropped"]}
    asked = Job(
        id="split", kind="split", params={**params, "target": ["y", "category"]}, inputs=inputs, outputs=outputs,
        scratch=tmp_path, root=tmp_path,
    )  # fmt: skip
    split.run(asked)
    assert json.loads(outputs.pop("report").read_bytes()) == {"rows": 200, "without_target": 0, "within_gap": 0}
    left = pl.concat([pl.read_parquet(path) for path in outputs.values()])
    assert sorted(left["id"]) == sorted(set(ROWS["id"]) - set(wrong["id"]))
    with pytest.raises(StepError, match=r"'hole' is missing in 50\.00%"):
        checked(tmp_path / "many", {**dropping, "tolerance": 0.4}, leaving=True)


def test_private_values_are_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = ("who", "town", "age")
    asked = [
        of("town", allowed=["A"]), of("town", matches="[A-Z]+"), of("age", between=[5, 60]),
        of("town", groups={"rows": {"at_least": 50}}), of("town", refers_to={"source": "towns", "column": "name"}),
    ]  # fmt: skip
    for index, one in enumerate(asked):
        other = of("hole", missing={"at_most": 0}, severity="warn")
        job = checked(tmp_path / str(index), {**one, "severity": "warn"}, other, masked=hidden)
        report = job.outputs["report"].read_text() + capsys.readouterr().out
        assert "B-7" not in report
        assert "p16" not in report
        assert "66" not in report
        assert "•••" in report
        with pytest.raises(StepError) as caught:
            checked(tmp_path / str(index), one, masked=hidden)
        assert "B-7" not in str(caught.value)


def test_fences_are_those_that_are_pinned(tmp_path: Path) -> None:
    first = checked(tmp_path / "first", of("age", anomalies={"at_most": 0.0, "reach": 1.5}))
    entry = json.loads(first.outputs["report"].read_bytes())[0]
    assert entry["measured"]["breaking/anomalies"] == 0
    moved = {**entry["measured"]["sketch"], "edges": [edge + 60 for edge in entry["measured"]["sketch"]["edges"]]}
    with pytest.raises(StepError, match=r"'age' has 40\.50% of rows outside the fences, at most 0\.00% expected"):
        checked(tmp_path / "moved", of("age", anomalies={"at_most": 0.0, "reach": 1.5}, reference=moved))
    masked = of("age", anomalies={"at_most": 0.0, "reach": 0.1}, severity="warn")
    seen = json.loads(checked(tmp_path / "masked", masked, masked=("age",)).outputs["report"].read_bytes())[0]
    assert seen["measured"].keys() == {"breaking/anomalies"}, "no statistic of a column that nobody may see"
    assert {row["age"] for row in seen["sample"]} == {"•••"}


def test_what_is_pinned_of_several_columns_levels_and_numbers_of_rows(tmp_path: Path) -> None:
    together = {"at_most": 0.0, "reach": 1.5, "together": 2}
    asked: list[Asked] = [
        {"columns": ["age", "id"], "anomalies": together},
        of("town", unseen={"at_most": 0.0}),
        {"rows": {"change": {"at_most": 0.1}}},
        of("hole", missing={"change": {"at_most": 0.1}}),
        of("who", unseen={"at_most": 0.0}),
    ]
    first = json.loads(checked(tmp_path / "first", *asked, masked=("who",)).outputs["report"].read_bytes())
    pinned = dict(pin for entry in first for pin in pins(entry))
    assert {name: sketch for name, sketch in pinned.items() if ":" in name} == {
        "town:levels": {"levels": ["A", "B-7"]},
        ":rows": {"rows": 200},
        "hole:missing": {"missing": 0.5},
    }
    assert pinned.keys() == {"age", "id", "town:levels", ":rows", "hole:missing"}, "nothing of what nobody may see"
    # Fences of one column as they were, of the other far from what they were: no row is beyond both.
    moved = {"edges": [edge + 900.0 for edge in pinned["age"]["edges"]], "below": pinned["age"]["below"]}
    one = {"spread/age": moved, "spread/id": pinned["id"]}
    checked(tmp_path / "one", {**asked[0], "before": one})
    both = {"spread/age": moved, "spread/id": moved}
    with pytest.raises(StepError, match=r"100\.00% of rows are outside the fences of 2 or more of 'age', 'id'"):
        checked(tmp_path / "both", {**asked[0], "before": both})


def test_a_column_of_too_many_values_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomalies, "MOST_LEVELS", 16)
    with pytest.raises(StepError, match="'who' has more than 16 values or 50,000 characters of them: too many to pin"):
        checked(tmp_path, of("who", unseen={"at_most": 0.5}))


def test_drift_is_measured_against_what_was_pinned(tmp_path: Path) -> None:
    names = ("age", "y", "day")
    first = checked(tmp_path / "first", *(of(name, drift={}) for name in names))
    sketches = {
        entry["expectation"]["column"]: entry["measured"]["sketch"]
        for entry in json.loads(first.outputs["report"].read_bytes())
    }
    same = checked(tmp_path / "same", *(of(name, drift={"psi": 0.001}, reference=sketches[name]) for name in names))
    assert all(entry["holds"] for entry in json.loads(same.outputs["report"].read_bytes()))
    moved = {**sketches["age"], "edges": [edge + 20 for edge in sketches["age"]["edges"]]}
    with pytest.raises(
        StepError, match=r"'age' is spread otherwise than when mlspec.lock pinned it: PSI \d\.\d+, at most 0.2"
    ):
        checked(tmp_path / "moved", of("age", drift={}, reference=moved))
    with pytest.raises(StepError, match=r"KS 0\.\d+, at most 0.1 expected"):
        checked(tmp_path / "ks", of("age", drift={"ks": 0.1}, reference=moved))
    rarer = {**sketches["y"], "values": {"often": 0.99, "rare": 0.01}}
    with pytest.raises(StepError, match="chi-squared p "):
        checked(tmp_path / "chi", of("y", drift={"chi_squared": 0.01}, reference=rarer))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1, 1), st.floats(0.5, 2))
def test_distances_are_those_of_the_textbook(seed: int, shift: float, scale: float) -> None:
    random = np.random.default_rng(seed)
    old, new = random.normal(size=4_000), random.normal(shift, scale, size=3_000)
    before = drift.sketch(pl.LazyFrame({"x": old}), "x")
    found = drift.distances(before, drift.against(pl.LazyFrame({"x": new}), "x", before))
    # Measured at each twentieth, the distance is never more than the true one, and little less.
    exact = stats.ks_2samp(old, new).statistic
    assert exact - 0.06 <= found["ks"] <= exact + 1e-9
    tenths = [-math.inf, *np.quantile(old, [q / 10 for q in range(1, 10)], method="lower"), math.inf]
    shares = [np.histogram(values, bins=tenths)[0] / len(values) for values in (old, new)]
    a, b = (np.maximum(part, drift.FLOOR) for part in shares)
    assert found["psi"] == pytest.approx(float(((b - a) * np.log(b / a)).sum()), rel=0.02, abs=0.01)
    kinds = [
        pl.LazyFrame({"x": random.choice(list("abc"), p=p, size=n)})
        for p, n in (([0.5, 0.3, 0.2], 500), ([0.4, 0.4, 0.2], 300))
    ]
    before = drift.sketch(kinds[0], "x")
    p_value = drift.distances(before, drift.against(kinds[1], "x", before))["chi_squared"]
    counts = [[frame.filter(pl.col("x") == v).collect().height for v in "abc"] for frame in kinds]
    assert p_value == pytest.approx(stats.chi2_contingency(counts, correction=False).pvalue, abs=1e-6)
