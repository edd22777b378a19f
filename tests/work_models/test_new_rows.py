"""Predicting rows as users have them: what does not fit is named in their terms, and answers have their form."""

import csv
import datetime
import decimal
import json
import math
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlspec import api, registry
from mlspec.cli import main
from mlspec.diagnostics import SpecError
from mlspec.plugins.model import Model, Training
from mlspec.steps import results
from mlspec.steps.data import preparation
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package import LoadedModel

KINDS = {"age": "integer", "pay": "number", "town": "category", "member": "boolean", "since": "date"}
STEPS: dict[str, list[Any]] = {
    "pay": [["impute", {"strategy": "median"}]],
    "town": [["encode", {"method": "one_hot"}]],
    "member": [["encode", {"method": "one_hot"}]],
    "since": [["date_parts", {"parts": ["year"]}], ["impute", {"strategy": "median"}]],
}
TRAINED = pl.DataFrame(
    {
        "age": list(range(20, 60)),
        "pay": [100.5 * i for i in range(40)],
        "town": ["Bonn", "Köln"] * 20,
        "member": [True, False, False, True] * 10,
        "since": [datetime.date(2000 + i, 1, 31) for i in range(40)],
        "yes": [i >= 20 for i in range(40)],
        "stars": [1 + i // 20 for i in range(40)],
    }
)
ROW = {"age": 30, "pay": 2000.5, "town": "Bonn", "member": True, "since": datetime.date(2024, 1, 31)}
HEADER = "id,age,pay,town,member,since"
GOOD = "007,30,2000.5,Bonn,true,2024-01-31"
Made = Callable[..., LoadedModel]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model of the rows, trained once for each target, loaded into this process."""
    home, known = tmp_path_factory.mktemp("made"), dict[str, LoadedModel]()

    def of(target: str = "yes", kind: str = "boolean", name: str = "logistic_regression", **more: Any) -> LoadedModel:
        key = f"{target}-{name}-{'-'.join(more)}"
        if key in known:
            return known[key]
        columns = [{"name": name, "type": type_, "steps": STEPS.get(name, [])} for name, type_ in KINDS.items()]
        params = {"columns": columns, "target": [target, kind], "task": "binary_classification", "positive": None}
        state = preparation.fit(TRAINED.lazy(), params)
        rows = preparation.apply(TRAINED.lazy(), state).collect()
        features, truth = preparation.features(rows, state), preparation.target(rows, state)
        model = msgspec.convert({}, registry.plugin("models", name))
        assert isinstance(model, Model)
        folder = home / key
        (folder / "model").mkdir(parents=True)
        training = Training(
            features=features,
            target=truth,
            validation=features,
            validation_target=truth,
            task="binary_classification",
            classes=2,
            seed=0,
            device="cpu",
            threads=1,
            checkpoints=home / "checkpoints",
            progress=lambda *_: None,
        )
        model.fit(training, folder / "model")
        results.write_json(folder / "state.json", state)
        about = package_format.About(
            candidate="line",
            model=(name, msgspec.to_builtins(model)),
            columns=tuple(KINDS.items()),  # type: ignore[arg-type]
            target=target,
            target_type=kind,
            task="binary_classification",
            classes=tuple(state["target"]["classes"]),
            positive=None,
            **more,
        )
        package_format.write_about(folder, about)
        known[key] = api.load_model(folder, trust_code=True)
        return known[key]

    return of


def said(model: LoadedModel, data: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        api.predict(model, data)
    return [one.message for one in caught.value.diagnostics]


BAD = [
    HEADER,
    GOOD,
    '8,30,1,"Bad\nEms",maybe,2024-01-31',
    "9,39.0,NA,,,",
    "10,39.5,2;5,Bonn,yes,31.01.2024",
    ",,,,,",
    "11,99999999999999999999,3,Bonn,no,2024/2/1",
    "1582218195625938946,50,4000,Bad Ems,False,2024-02-01",
]


def test_every_cell_that_does_not_fit_is_named_by_line_column_and_value(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new.csv").write_text("\n".join([*BAD, ""]))
    with pytest.raises(SpecError) as caught:
        api.predict(made(), "new.csv")
    assert [one.message for one in caught.value.diagnostics] == [
        "new.csv, line 3, column 'member': 'maybe' is not true or false",
        "new.csv, line 6, column 'age': '39.5' is not an integer",
        "new.csv, line 6, column 'pay': '2;5' is not a number",
        "new.csv, line 6, column 'since': '31.01.2024' is not a date (like 2024-01-31)",
        "new.csv, line 8, column 'age': '99999999999999999999' is outside the range of 64-bit integers",
    ]
    assert caught.value.diagnostics[-1].notes == ("3 of 6 rows can't be predicted",)


def test_an_integer_that_takes_all_64_bits_is_one_wherever_it_comes_from(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{**ROW, "age": 2**64 - 1}, {**ROW, "age": 40}]
    answers = api.predict(made(), rows)
    frame = pl.DataFrame(rows, schema_overrides={"age": pl.UInt64})
    frame.write_csv("new.csv")
    frame.write_parquet("new.parquet")
    for file in ("new.csv", "new.parquet"):
        assert api.predict(made(), file).to_dicts() == answers
    below = pl.DataFrame({**ROW, "age": [str(2**64 - 1), "-1"]})
    with pytest.raises(SpecError, match=f"'{2**64 - 1}' is outside the range of 64-bit integers"):
        api.predict(made(), below)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_refused_rows_are_skipped_and_listed_whatever_the_format(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{**ROW, "since": "2024-01-31", "id": 2**63 + at} for at in range(3)]
    rows[1] |= {"pay": "much"} if ending != "parquet" else {"age": 39.5}
    frame = pl.DataFrame(
        rows, strict=False, schema_overrides={"id": pl.UInt64} | ({"age": pl.Float64} if ending == "parquet" else {})
    )
    if ending == "csv":
        frame.write_csv("new.csv")
    elif ending == "parquet":
        frame.with_columns(pl.col("since").str.to_date(), id=pl.col("id").cast(pl.String)).write_parquet("new.parquet")
    else:
        Path("new.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    found = api.predict_file(made(), f"new.{ending}", keep=["id"], on_error="skip")
    assert [str(value) for value in found.rows["id"]] == [str(2**63), str(2**63 + 2)]
    assert found.rows["prediction"].dtype == pl.Boolean
    expected = {
        "csv": {"line": 3, "column": "pay", "value": "much", "reason": "'pay' is not a number"},
        "jsonl": {"line": 2, "column": "pay", "value": "much", "reason": "'pay' is not a number"},
        "parquet": {"row": 2, "column": "age", "value": "39.5", "reason": "'age' is not an integer"},
    }
    (refused,) = found.refused.to_dicts()
    assert {name: refused[name] for name in expected[ending]} == expected[ending]
    assert (refused["town"], str(refused["id"])) == ("Bonn", str(2**63 + 1))


def test_the_command_skips_writes_both_files_and_says_so_by_its_exit_code(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "load_model", lambda *_arguments, **_options: made())
    Path("new.csv").write_text("\n".join([*BAD, ""]))
    assert main(["predict", "model", "new.csv", "--keep", "id", "--keep", "since", "-o", "out.csv"]) == 2
    told = capsys.readouterr().err
    (way,) = [line for line in told.splitlines() if "to predict the others: " in line]
    assert not Path("out.csv").exists()
    assert main(shlex.split(way.partition("others: mlspec ")[2])) == 1
    assert capsys.readouterr().err.splitlines() == [
        "note: a row of blanks is left out: line 7 of new.csv",
        "note: categories that no training row had: 'town' (1 row: 'Bad Ems')",
        "note: missing values where training rows had none: 'pay' (1 row), 'town' (1 row), 'member' (1 row)",
        "wrote 3 predictions to out.csv",
        "refused 3 rows: see out.refused.csv",
    ]
    lines = Path("out.csv").read_text().splitlines()
    assert [line.split(",")[:3] for line in lines] == [
        ["id", "since", "prediction"],
        ["007", "2024-01-31", "true"],
        ["9", "", "true"],
        ["1582218195625938946", "2024-02-01", "true"],
    ]
    with open("out.refused.csv", newline="") as file:
        refused = list(csv.DictReader(file))
    assert [(row["line"], row["column"], row["value"], row["town"]) for row in refused] == [
        ("3", "member", "maybe", "Bad\nEms"),
        ("6", "age", "39.5", "Bonn"),
        ("8", "age", "99999999999999999999", "Bonn"),
    ]
    assert refused[1]["reason"] == (
        "'age' is not an integer; 'pay' is not a number; 'since' is not a date (like 2024-01-31)"
    )
    same = ["predict", "model", "new.csv", "-o", "out.csv", "--on-error", "skip", "--refused", "./out.csv"]
    assert main(same) == 2
    assert "-o and --refused name the same file" in capsys.readouterr().err
    assert main(["predict", "model", "new.csv", "--on-error", "skip"]) == 2
    assert "--on-error skip needs -o FILE, or --refused FILE" in capsys.readouterr().err
    Path("good.csv").write_text(f"{HEADER}\n")
    assert main(["predict", "model", "good.csv", "--on-error", "skip", "--refused", "no.jsonl"]) == 0
    assert capsys.readouterr() == ("prediction,p_false,p_true\n", "refused no row\n")
    Path("german.csv").write_text(
        "member;age;town;pay;since;more\ntrue;30;-;2.000,5;2024-01-31;x\n".replace("2.000", "2000")
    )
    options = ["--separator", ";", "--decimal", ",", "--missing", "-"]
    assert main(["predict", "model", "german.csv", *options]) == 0
    first = capsys.readouterr().out.splitlines()[1]
    assert first == ",".join(str(value).lower() for value in api.predict(made(), {**ROW, "town": None}).values())


def test_a_column_that_is_missing_is_named_with_the_one_that_is_meant(made: Made) -> None:
    with pytest.raises(SpecError) as caught:
        api.predict(made(), {"Age": 30, "pay": 1.0, "town": "Bonn", "since": None})
    assert [(one.message, one.notes) for one in caught.value.diagnostics] == [
        (
            "the data has no column 'age', which the model needs: an integer",
            ("did you mean 'Age'? rename it to 'age'",),
        ),
        ("the data has no column 'member', which the model needs: true or false", ()),
    ]


def test_cells_mean_what_they_meant_in_training(made: Made, tmp_path: Path) -> None:
    model = made(reading=package_format.Reading(missing=("unknown",), dates={"since": "%d/%m/%Y"}))
    wanted = api.predict(made(), [{**ROW, "town": None, "since": datetime.date(2024, 2, 1)}])[0]
    for date in ("01/02/2024", "2024-02-01"):
        (tmp_path / "new.csv").write_text(f"{HEADER}\n1,30,2000.5,unknown,true,{date}\n")
        found = api.predict_file(model, str(tmp_path / "new.csv"))
        assert found.rows.to_dicts() == [wanted]
        assert found.notes == ("missing values where training rows had none: 'town' (1 row)",)
        assert api.predict(model, [{**ROW, "town": None, "since": date}])[0] == wanted


def test_values_of_columns_about_people_are_shown_nowhere(made: Made, tmp_path: Path) -> None:
    model = made(hidden=("town", "age"))
    (tmp_path / "new.csv").write_text(
        f"{HEADER}\n1,secret,1,Elsewhere,true,2024-01-31\n2,3,4,Elsewhere,true,2024-01-31\n"
    )
    found = api.predict_file(model, str(tmp_path / "new.csv"), on_error="skip")
    assert found.notes == ("categories that no training row had: 'town' (1 row)",)
    assert "secret" not in str(found.refused.to_dicts())
    assert said(model, {**ROW, "age": "secret"}) == ["row 1, column 'age': the value is not an integer"]


@pytest.mark.parametrize(
    ("target", "kind", "classes"), [("yes", "boolean", [False, True]), ("stars", "integer", [1, 2])]
)
def test_a_class_has_the_type_that_the_target_has(made: Made, target: str, kind: str, classes: list[Any]) -> None:
    model = made(target, kind)
    assert model.about.classes == tuple(str(one).lower() for one in classes)
    found = api.predict(model, [{**ROW, "age": 20, "pay": 0}, {**ROW, "age": 59, "pay": 3900}])
    assert [row["prediction"] for row in found] == classes
    assert [type(row["prediction"]) for row in found] == [type(one) for one in classes]


def test_what_is_given_is_given_back(made: Made) -> None:
    frame = pl.DataFrame([ROW, {**ROW, "age": 50}])
    expected = api.predict(made(), frame, keep=["since", "town"])
    assert expected.columns == ["since", "town", "prediction", "p_false", "p_true"]
    plain = expected.to_dict(as_series=False)
    lazy = api.predict(made(), frame.lazy(), keep=["since", "town"])
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(expected)
    table = api.predict(made(), frame.to_arrow(), keep=["since", "town"])
    assert isinstance(table, pa.Table)
    assert table.to_pydict() == plain
    index = pd.Index(["b", "a"], name="who")
    given = pd.DataFrame(frame.to_dict(as_series=False), index=index).astype({"town": "category", "age": "Int64"})
    back = api.predict(made(), given, keep=["since", "town"])
    assert isinstance(back, pd.DataFrame)
    assert back.index.equals(index)
    assert back["town"].dtype == "category"
    assert back.to_dict("list") == plain
    assert api.predict(made(), frame.to_dict(as_series=False), keep=["since", "town"]) == plain
    assert api.predict(made(), frame.to_dicts(), keep=["since", "town"]) == expected.to_dicts()
    assert list(api.predict(made(), frame.to_dicts()[0], keep=["town"])) == ["town", "prediction", "p_false", "p_true"]
    assert api.predict(made(), []) == []
    assert api.predict(made(), given.head(0)).dtypes["prediction"].kind == "b"
    for strange in (5, [1, 2], np.zeros((2, 5)), {"age": [1], "pay": 2.0}, {"age": [1], "pay": [1, 2]}):
        assert said(made(), strange)[0].startswith("the rows can't be read: ")


@pytest.mark.parametrize(
    ("column", "value", "same"),
    [
        ("age", np.int32(30), 30),
        ("age", "30", 30),
        ("age", 30.0, 30),
        ("age", decimal.Decimal("30"), 30),
        ("pay", pd.NA, None),
        ("pay", float("nan"), None),
        ("pay", decimal.Decimal("2000.5"), 2000.5),
        ("member", np.bool_(True), True),
        ("member", 1, True),
        ("member", "True", True),
        ("since", pd.Timestamp("2024-01-31 10:00", tz="Europe/Berlin"), datetime.date(2024, 1, 31)),
        ("since", np.datetime64("2024-01-31"), datetime.date(2024, 1, 31)),
        ("since", "2024/1/31", datetime.date(2024, 1, 31)),
        ("since", pd.NaT, None),
        ("town", pd.NA, None),
    ],
)
@pytest.mark.parametrize("form", ["row", "object", "dtype"])
def test_values_are_read_as_what_they_are(made: Made, form: str, column: str, value: Any, same: Any) -> None:
    wanted = list(api.predict(made(), {**ROW, column: same}).values())
    row = {**ROW, column: value}
    if form == "row":
        found = list(api.predict(made(), row).values())
    else:
        given = pd.DataFrame(
            {n: pd.Series([v, ROW[n]], dtype=object if form == "object" else None) for n, v in row.items()}
        )
        found = api.predict(made(), given).iloc[0].tolist()
    assert found == pytest.approx(wanted, rel=1e-4)  # to the last digit it depends on the number of rows


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("age", 30.5, "'30.5' is not an integer"),
        ("age", 2**64, "'18446744073709551616' is outside the range of 64-bit integers"),
        ("age", datetime.date(2024, 1, 31), "'2024-01-31' is not an integer"),
        ("pay", "2.000,5", "'2.000,5' is not a number"),
        ("pay", datetime.timedelta(1), "the value is of the type timedelta, which is no single value"),
        ("member", 2, "'2' is not true or false"),
        ("since", 20240131, "'20240131' is not a date (like 2024-01-31)"),
        ("town", ["Bonn"], "the value is of the type list, which is no single value"),
    ],
)
def test_values_that_mean_nothing_to_the_model_are_refused_by_name_and_row(
    made: Made, column: str, value: Any, told: str
) -> None:
    assert said(made(), [ROW, {**ROW, column: value}]) == [f"row 2, column '{column}': {told}"]
    found = api.predict(made(), pl.DataFrame([ROW, ROW]), on_error="skip")
    assert (found.rows.height, found.refused) == (2, ())
    skipped = api.predict(made(), [ROW, {**ROW, column: value}, ROW], on_error="skip")
    assert (len(skipped.rows), [one.row for one in skipped.refused]) == (2, [1])


@pytest.mark.parametrize("name", ["logistic_regression", pytest.param("torch.mlp", marks=pytest.mark.slow)])
def test_missing_values_that_the_model_can_not_take_are_refused(made: Made, name: str) -> None:
    rows = pl.DataFrame(
        [ROW, {**ROW, "pay": None}, {**ROW, "age": None}, {**ROW, "pay": math.inf}, {**ROW, "pay": 1e308}]
    )
    assert said(made(name=name), rows) == [
        "row 3, column 'age': the value is missing: this model takes no missing values here",
        "row 4, column 'pay': 'inf' is too large for this model",
        "row 5, column 'pay': '1e+308' is too large for this model",
    ]
    more = [*rows.to_dicts(), {**ROW, "age": "old"}, {**ROW, "pay": 1}]
    found = api.predict(made(name=name), more, keep=["pay"], on_error="skip")
    assert ([row["pay"] for row in found.rows], [one.row for one in found.refused]) == ([2000.5, None, 1], [2, 3, 4, 5])
    assert said(made(name=name), {**ROW, "age": None})[0].startswith("row 1, column 'age': the value is missing")


@pytest.mark.slow
def test_type_checkers_know_what_comes_back(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(
        "import polars as pl\nfrom mlspec import api\nmodel = api.load_model()\n"
        "a: pl.DataFrame = api.predict(model, 'new.csv')\n"
        "b: pl.LazyFrame = api.predict(model, pl.LazyFrame(), keep=['x'])\n"
        "c: list[dict[str, object]] = api.predict(model, [{'x': 1}])\n"
        "d: dict[str, object] = api.predict(model, {'x': 1})\n"
        "e: pl.DataFrame = api.predict(model, pl.DataFrame(), on_error='skip').rows\n"
        "f: int = api.predict(model, pl.DataFrame())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "use.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert [line.partition(":")[2].partition(":")[0] for line in done.stdout.splitlines()[:-1]] == ["9"], done.stdout
