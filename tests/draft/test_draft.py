"""What `mlspec init` proposes for tables as people have them, each proposal by what can be seen of it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec import api
from mlspec.api import drafting
from mlspec.diagnostics import SpecError
from mlspec.draft import Given, candidates, draft, head, rows, target
from mlspec.draft.proposal import Proposal
from mlspec.draft.table import Table
from mlspec.plugins.base import Column, ColumnType

DAY = date(2024, 1, 1)
Cells = Mapping[str, Any]


@pytest.fixture(name="chance")
def chance_fixture() -> np.random.Generator:
    return np.random.default_rng(0)


def drafted(tmp_path: Path, cells: Cells, **stated: Any) -> Proposal:
    pl.DataFrame(cells, strict=False).write_csv(tmp_path / "t.csv")
    return draft(tmp_path / "t.csv", tmp_path, Given(**stated))


def columns(found: Proposal) -> dict[str, Any]:
    return dict(found.spec["data"]["columns"])


def reason(found: Proposal, name: str) -> str:
    """The comment beside a column that is dropped."""
    return found.comments["data", "columns", "drop", columns(found)["drop"].index(name)]


def seen(**cells: Sequence[Any]) -> Table:
    """A table as its first rows show it."""
    types: dict[type, ColumnType] = {int: "integer", float: "number", str: "category", date: "date", bool: "boolean"}
    schema = tuple(Column(name, types[type(values[0])]) for name, values in cells.items())
    found = head.seen(schema, {name: (tuple(map(str, values)), True) for name, values in cells.items()})
    return Table(name="t.csv", rows=20, looked_at=20, is_all=True, columns=found)


NUMBER, CLASS, BOTH = [i * 0.5 for i in range(20)], ["a", "b"] * 10, [0, 1] * 10
DAYS, TEXT = (
    [DAY + timedelta(days=i) for i in range(20)],
    [f"{i} words that make up a long sentence here" for i in range(40)],
)


@pytest.mark.parametrize(
    ("cells", "chosen"),
    [
        ({"survived": BOTH, "pclass": BOTH, "class": CLASS, "alone": BOTH}, "survived"),
        ({"carat": NUMBER, "price": NUMBER, "x": NUMBER, "y": NUMBER, "z": NUMBER}, "price"),
        ({"x": NUMBER, "y": NUMBER}, "y"),
        ({"longitude": NUMBER, "median_house_value": NUMBER, "ocean_proximity": CLASS}, "median_house_value"),
        ({"V1": NUMBER, "is_fraud": BOTH, "hour": NUMBER}, "is_fraud"),
        ({"loan_status": CLASS, "amount": NUMBER}, "loan_status"),
        ({"SalePrice": NUMBER, "Pool": BOTH}, "SalePrice"),
        ({"default payment next month": BOTH, "limit": NUMBER}, "default payment next month"),
        ({"units": NUMBER, "unit_price": NUMBER, "revenue": NUMBER}, "revenue"),
        ({"income": NUMBER, "balance": NUMBER, "limit": NUMBER}, "limit"),
        ({"churn": BOTH, "closed": DAYS}, "churn"),
        ({"sex": CLASS, "length": NUMBER, "rings": BOTH}, "rings"),
        ({"time": [i * 3 + 1 for i in range(20)], "status": BOTH, "age": NUMBER}, "status"),
        ({"Survival_in_days": NUMBER, "fate": ["dead", "censored"] * 10, "prior": CLASS}, "fate"),
        ({"t.tdm": NUMBER, "e.tdm": BOTH, "gene": NUMBER}, "e.tdm"),
        ({"t": NUMBER, "t_rel": NUMBER, "d_x": BOTH, "d_rel": BOTH, "all": BOTH}, "d_x"),
        ({"PREVSTRK": BOTH, "STROKE": BOTH, "DEATH": BOTH, "TIMESTRK": NUMBER, "TIMEDTH": NUMBER}, "DEATH"),
        ({"mean_price_per_night": NUMBER, "beds": NUMBER}, "mean_price_per_night"),
        ({"inspection_score": NUMBER, "visits": NUMBER}, "inspection_score"),
        ({"total_points": NUMBER, "aroma": NUMBER, "body": CLASS}, "total_points"),
    ],
)
def test_the_target_is_the_column_whose_name_says_so(cells: dict[str, Any], chosen: str) -> None:
    found = target.chosen(seen(**cells), Given())
    assert found.column.name == chosen
    assert found.why.startswith("a guess")


@pytest.mark.parametrize(
    ("last", "because"),
    [
        ({"when": DAYS}, "is a date"),
        ({"same": [1] * 20}, "has only one value"),
        ({"row_id": list(range(100, 140))}, "identifies rows"),
        ({"note": TEXT}, "has 40 different texts"),
    ],
)
def test_where_nothing_says_what_to_predict_it_is_asked_for(last: dict[str, Any], because: str) -> None:
    with pytest.raises(SpecError) as error:
        target.chosen(seen(height=NUMBER, kind=CLASS, **last), Given())
    (one,) = error.value.diagnostics
    (name,) = last
    assert one.message == f"no column's name says what to predict, and the last one, '{name}', {because}"
    assert one.notes == (
        "state the target with --target; candidates:",
        "--target height: the first column, 20 different numbers",
        "--target kind: two values",
    )


def test_a_file_that_is_sorted_by_class_is_seen_whole(tmp_path: Path) -> None:
    found = drafted(tmp_path, {"a": range(3000), "label": ["cat"] * 1500 + ["dog"] * 1500})
    assert found.spec["project"]["task"] == "binary_classification"
    assert "from all 3,000 rows" in found.written().text


def test_of_a_large_table_bounds_are_those_of_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_CELLS", 1)
    n = 5000
    values: list[Any] = [float(i % 7) for i in range(n)]
    values[3001], values[1] = 999.0, None
    kinds = ["a"] * n
    kinds[3002] = "seldom"
    found = drafted(
        tmp_path, {"key": range(10, n + 10), "value": values, "kind": kinds, "price": [i % 50 for i in range(n)]}
    )
    assert "from 1,000 of 5,000 rows, evenly spread, of t.csv" in found.written().text
    expected = {entry["column"]: entry for entry in found.spec["data"]["expect"][1:]}
    assert expected["value"]["between"] == [0, 1300]
    assert expected["value"]["missing"]["at_most"] > 0
    assert "allowed" not in expected.get("kind", {})
    assert expected["key"] == {"column": "key", "unique": True}


def test_columns_that_tell_the_target_are_dropped_with_the_evidence(
    tmp_path: Path, chance: np.random.Generator
) -> None:
    n = 600
    casual, registered = chance.poisson(20, n), chance.poisson(90, n)
    strong = casual + registered + chance.normal(0, 1, n)
    total = casual + registered
    cells: dict[str, Any] = {
        "casual": casual,
        "registered": registered,
        "strong": strong,
        "share": total / 200,
        "count": total,
    }
    found = drafted(tmp_path, cells)
    assert columns(found)["drop"] == ["share", "registered", "casual"]
    assert reason(found, "share") == "a leak: 'count' follows from it: a linear function"
    assert reason(found, "casual") == "a leak: 'registered' + 'casual' = 'count'"
    assert found.features == ("strong",)

    survived = chance.integers(0, 2, n)
    boat = [str(chance.integers(1, 16)) if one else None for one in survived]
    cells = {"survived": survived, "alive": np.where(survived, "yes", "no"), "boat": boat,
             "strong": survived + chance.normal(0, 0.3, n)}  # fmt: skip
    found = drafted(tmp_path, cells)
    assert columns(found)["drop"] == ["alive", "boat"]
    assert reason(found, "boat").startswith(
        "a leak: by its name it is known only after what is predicted; each of its 16"
    )
    assert reason(found, "alive").endswith("; each of its 2 values has one 'survived' (100.0% of rows)")

    wage = chance.lognormal(4, 0.5, n)
    found = drafted(tmp_path, {"age": chance.integers(18, 70, n), "logwage": np.log(wage), "wage": wage})
    assert reason(found, "logwage") == "a leak: 'wage' follows from it: a monotone function"


def test_a_last_column_that_is_computed_from_another_is_no_guess(tmp_path: Path, chance: np.random.Generator) -> None:
    income = chance.lognormal(3, 1, 200)
    with pytest.raises(SpecError) as error:
        drafted(tmp_path, {"size": chance.random(200), "faminc": income, "lfaminc": np.log(income)})
    (one,) = error.value.diagnostics
    assert one.message == "no column's name says what to predict, and the last one, 'lfaminc', follows from 'faminc'"


def test_outcomes_of_one_observation_are_no_features_for_each_other(
    tmp_path: Path, chance: np.random.Generator
) -> None:
    n = 400
    days, dead = chance.integers(1, 900, n), chance.integers(0, 2, n)
    cells = {"PREVHYP": chance.integers(0, 2, n), "HYPERTEN": chance.integers(0, 2, n), "TIMEHYP": days,
             "TIMEDTH": days + 9, "TIMEAP": days + 5, "DEATH": dead}  # fmt: skip
    found = drafted(tmp_path, cells)
    assert columns(found)["target"] == "DEATH"
    assert columns(found)["drop"] == ["HYPERTEN", "TIMEHYP", "TIMEDTH", "TIMEAP"]
    assert reason(found, "TIMEHYP") == "a leak: it is observed together with 'DEATH', not before"
    assert found.features == ("PREVHYP",)


def test_columns_that_are_known_with_the_target_alone_are_dropped(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 300
    placed = chance.random(n) < 0.7
    cells = {
        "grade": chance.random(n),
        "start": [f"s{i % 7}" if one else None for i, one in enumerate(placed)],
        "placed": placed,
        "salary": [int(20_000 + 10_000 * chance.random()) if one else None for one in placed],
    }
    found = drafted(tmp_path, cells)
    assert columns(found)["drop"] == ["start", "placed"]
    assert reason(found, "start") == "a leak: it has a value exactly where 'salary' has one"
    assert reason(found, "placed") == "a leak: it has one value in all rows with a 'salary'"
    month = [int(chance.integers(1, 13)) if one or i < 3 else None for i, one in enumerate(placed)]
    found = drafted(tmp_path, {"age": chance.random(n), "month_dth": month, "death": placed.astype(int)})
    assert columns(found)["drop"] == ["month_dth"]
    assert " values are where 'death' is '1'" in reason(found, "month_dth")


def test_parts_of_a_sum_and_a_multiple_with_slips_are_leaks(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 300
    parts = {name: chance.uniform(1, 9, n).round(2) for name in ("fare", "toll", "tax", "tip_paid")}
    strong = sum(parts.values()) + chance.normal(0, 1, n)
    found = drafted(tmp_path, {**parts, "strong": strong, "total_amount": sum(parts.values())})
    assert sorted(columns(found)["drop"]) == ["fare", "tax", "tip_paid", "toll"]
    assert reason(found, "tax") == "a leak: they sum up to 'total_amount'"
    grams = chance.uniform(2000, 4000, n)
    pounds = grams / 453.6
    pounds[:3] = 0.1
    found = drafted(tmp_path, {"age": chance.random(n), "pounds": pounds, "price": grams})
    assert reason(found, "pounds") == "a leak: 'price' follows from it: 453.6 times it in 99.0% of the rows"


def test_a_file_or_a_repeated_thing_says_what_is_measured(tmp_path: Path, chance: np.random.Generator) -> None:
    cells = {"order": chance.integers(0, 4, 90), "sleep_total": chance.random(90), "bodywt": chance.random(90)}
    pl.DataFrame(cells).write_csv(tmp_path / "msleep.csv")
    found = draft(tmp_path / "msleep.csv", tmp_path)
    assert columns(found)["target"] == "sleep_total"
    assert found.comments["data", "columns", "target"].startswith("a guess by its name and the file's")
    chicks = {"weight": chance.random(240), "time": list(range(8)) * 30, "chick": np.repeat(range(30), 8),
              "diet": np.repeat(chance.integers(1, 4, 30), 8)}  # fmt: skip
    found = drafted(tmp_path, chicks)
    assert columns(found)["target"] == "weight"
    assert found.spec["data"]["split"]["column"] == "chick"
    with pytest.raises(SpecError) as error:
        drafted(tmp_path, {"height": chance.random(240), **chicks}, drop=("time",))
    assert error.value.diagnostics[0].message.endswith("'diet', is the same in all rows of a 'chick'")


def test_what_alone_is_left_to_predict_from_is_kept_and_said(tmp_path: Path) -> None:
    found = drafted(tmp_path, {"x": [i / 3 for i in range(60)], "y": [2.0 * i for i in range(60)]})
    assert "drop" not in columns(found)
    assert "# 'x', a leak: 'y' follows from it: a linear function; but nothing else is there to predict from" in (
        found.written().text
    )
    with pytest.raises(SpecError, match="no column is left to predict 'y' from"):
        drafted(tmp_path, {"id": range(60), "same": [1] * 60, "y": [2.0 * i for i in range(60)]})


def test_rows_are_split_by_time_by_group_or_by_chance(tmp_path: Path, chance: np.random.Generator) -> None:
    days = [DAY + timedelta(days=i) for i in range(100)]
    n = 500
    cells: dict[str, Any] = {"day": days * 5, "price": chance.normal(50, 9, n), "b": chance.normal(size=n)}
    found = drafted(tmp_path, cells)
    assert found.spec["data"]["split"] == {"by": "time", "column": "day", "test": 0.2, "validation": 0.1}
    assert found.spec["data"]["derive"] == {"day_month": "EXTRACT(MONTH FROM day)"}
    assert (
        "# rows have a time, though not in its order: later rows judge a model of earlier ones" in found.written().text
    )

    found = drafted(tmp_path, {**cells, "store": np.repeat(range(5), 100)})
    assert found.spec["data"]["split"]["by"] == "time"
    assert "# 'store' has rows at several times (a panel)" in found.written().text
    assert columns(found)["types"] == {"store": "category"}

    patients = {"patient_id": np.repeat(range(100), 5), "b": chance.normal(size=n), "outcome": chance.integers(0, 2, n)}
    found = drafted(tmp_path, patients)
    assert found.spec["data"]["split"] | {"test": 0} == {
        "by": "group", "column": "patient_id", "test": 0, "validation": 0.1, "seed": 0, "stratify": "outcome",
    }  # fmt: skip
    assert "# 100 values have several rows each ('patient_id'): all rows of one are in one part" in found.written().text
    assert drafted(tmp_path, patients, drop=("patient_id",)).spec["data"]["split"]["by"] == "stratified"

    part = ["train"] * 300 + ["test"] * 200
    assert drafted(tmp_path, {**cells, "set": part}).spec["data"]["split"] == {"by": "given", "column": "set"}
    late = ["new" if day > days[90] else "old" for day in cells["day"]]
    found = drafted(tmp_path, {**cells, "label": late})
    assert found.spec["data"]["split"]["by"] == "stratified"
    assert (
        "# by time ('day') is not possible: 1 classes of the test rows are in no training row" in found.written().text
    )


def test_dates_without_marks_months_and_ids_without_gaps_are_seen(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 200
    days = [DAY + timedelta(days=2 * i) for i in range(n)]
    found = drafted(tmp_path, {"date": [f"{day:%Y%m%d}" for day in days], "co2": chance.random(n)})
    assert found.spec["data"]["sources"]["t"]["dates"] == {"date": "%Y%m%d"}
    assert found.spec["data"]["split"]["by"] == "time"
    months = [f"{date(1990 + i // 12, i % 12 + 1, 1):%Y %b}" for i in range(n)]
    found = drafted(tmp_path, {"Month": months, "Scripts": chance.random(n)})
    assert found.spec["data"]["split"] == {"by": "time", "column": "Month", "test": 0.2, "validation": 0.1}

    visits = {"RANDID": np.repeat(range(2000, 2100), 5), "b": chance.random(500), "outcome": chance.integers(0, 2, 500)}
    assert drafted(tmp_path, visits).spec["data"]["split"]["column"] == "RANDID"
    days = [DAY + timedelta(days=int(i)) for i in chance.integers(0, 90, 300)]
    cells = {"Sample Number": [*range(1, 151)] * 2, "egg": days, "a": chance.random(300), "species": ["p", "q"] * 150}
    found = drafted(tmp_path, cells)
    assert reason(found, "Sample Number") == "it counts rows, from the first one again some times"
    assert found.spec["data"]["split"]["by"] == "stratified"
    assert "# rows are few, and not in the order of 'egg'" in found.written().text


def test_few_rows_are_cross_validated_where_each_class_has_enough(tmp_path: Path) -> None:
    cells = {"a": [i * 0.37 % 1 for i in range(150)], "kind": ["p", "q", "r"] * 50}
    model = drafted(tmp_path, cells).spec["model"]
    assert (model["cross_validation"], model["final"], model["ensemble"]) == ({"folds": 8}, "bag", "greedy")
    fewer = drafted(tmp_path, {**cells, "kind": ["p", "q"] * 71 + ["r"] * 8})
    assert fewer.spec["model"]["cross_validation"] == {"folds": 5}
    found = drafted(tmp_path, {**cells, "kind": ["p", "q"] * 74 + ["r", "r"]})
    assert not {"cross_validation", "final"} & found.spec["model"].keys()
    assert "# few rows have 'r': less than 10 in a class can't be learned and judged" in found.written().text
    wide = {f"x{n}": [(i * n) % 97 / 97 for i in range(1200)] for n in range(1, 71)}
    for classes, folds in ((2, {"folds": 8}), (26, None)):
        many = drafted(tmp_path, {**wide, "kind": [chr(97 + i % classes) for i in range(1200)]}).spec["model"]
        assert many.get("cross_validation") == folds


def test_candidates_are_of_libraries_that_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {"a": [i * 0.37 % 1 for i in range(300)], "y": [0, 1] * 150}
    types = {
        "lightgbm": ["logistic_regression", "lightgbm"],
        "catboost": ["logistic_regression", "hist_gradient_boosting", "catboost"],
    }
    for library, wanted in types.items():
        monkeypatch.setattr(candidates, "installed", lambda name, only=library: name == only)
        found = drafted(tmp_path, cells).spec["model"]["candidates"]
        assert [use["type"] for use in found.values()] == wanted


def test_a_time_lets_the_portfolio_compete_bagged_where_it_lasts(tmp_path: Path, chance: np.random.Generator) -> None:
    size = chance.normal(size=600)
    kinds = {2: (size > 0).astype(int), 6: np.digitize(size, [-1, -0.5, 0, 0.5, 1])}
    bagged = {}
    for classes, kind in kinds.items():
        for seconds in (10, 20, 60):
            noise = chance.normal(size=600)  # or the size alone tells the kind: a leak
            cells = {"size": size + noise, "kind": kind}
            made = drafted(tmp_path, cells, target="kind", train_time=float(seconds))
            model = made.spec["model"]
            assert (model["candidates"], model["time"], model["ensemble"]) == ("auto", f"{seconds}s", "greedy")
            assert made.spec["profiles"]["quick"]["model"]["time"] == "5s"
            assert ("final" in model) is ("cross_validation" in model)
            bagged[classes, seconds] = model.get("final") == "bag"
    assert [bagged[2, seconds] for seconds in (10, 20, 60)] == [False, True, True]
    assert [bagged[6, seconds] for seconds in (10, 20, 60)] == [False, False, True]


def test_after_a_minute_a_second_lets_fewer_rows_be_bagged(tmp_path: Path) -> None:
    cells = {"a": [i * 0.37 % 1 for i in range(5000)], "y": [0, 1] * 2500}
    bagged = {seconds: drafted(tmp_path, cells, train_time=float(seconds)).spec["model"] for seconds in (200, 240)}
    assert ["final" in model for model in bagged.values()] == [False, True]


def test_rare_classes_are_weighed_and_the_verdict_is_estimated(tmp_path: Path, chance: np.random.Generator) -> None:
    rare = chance.random(2000) < 0.02
    found = drafted(tmp_path, {"a": chance.normal(size=2000), "is_fraud": rare.astype(int)})
    assert found.spec["constraints"]["quality"] == [{"metric": "average_precision", "beats": "baseline"}]
    assert {use["class_weight"] for use in found.spec["model"]["candidates"].values()} == {"balanced"}
    lines = found.above["constraints", "quality", 0]
    rows_ = round(0.2 * rare.sum())
    assert lines == (
        f"about {rows_} of the test rows will have the rarer class: recall will be known to +-{0.98 / rows_**0.5:.2f}; "
        "96 are needed for 0.1",
    )


def test_a_word_among_numbers_is_missing_and_a_code_makes_text_of_them(tmp_path: Path) -> None:
    cells = {"a": [str(i) for i in range(200)], "code": [str(i % 90) for i in range(200)], "y": [0, 1] * 100}
    cells["a"][150], cells["code"][150] = "unknown", "85123A"
    found = drafted(tmp_path, cells)
    ((_name, source),) = found.spec["data"]["sources"].items()
    assert source["missing"] == ["unknown"]
    assert columns(found)["types"]["code"] == "category"
    assert "code: text, for line 152 of t.csv has '85123A'" in found.written().text
    (tmp_path / "project.yaml").write_text(found.written().text)
    assert api.validate(tmp_path / "project.yaml", all_rows=True).facts.raw["t"][0].type == "integer"


def test_classes_that_are_written_as_decimals_are_expected_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,event\n" + "".join(f"{i * 7 % 31},{i % 2}.000000\n" for i in range(80)))
    found = draft(tmp_path / "t.csv", tmp_path)
    assert columns(found)["types"]["event"] == "category"
    assert {"column": "event", "missing": {"at_most": 0}} in found.spec["data"]["expect"]


def test_few_rows_of_a_class_are_not_selected_by_a_metric_that_needs_them(tmp_path: Path) -> None:
    cells: Cells = {"x": [i * 7 % 31 for i in range(60)], "churn": ["yes" if i % 15 == 0 else "no" for i in range(60)]}
    found = drafted(tmp_path, cells)
    assert found.spec["model"]["select"] == {"metric": "log_loss"}
    many: Cells = {"x": [i * 7 % 31 for i in range(900)], "churn": ["yes" if i % 15 == 0 else "no" for i in range(900)]}
    assert drafted(tmp_path, many).spec["model"]["select"] == {"metric": "average_precision"}


def test_numbers_get_the_task_that_they_ask_for(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 800
    a = chance.normal(size=n)

    def task(**cells: Any) -> tuple[str, str]:
        found = drafted(tmp_path, {"a": a, **cells})
        return found.spec["project"]["task"], found.comments["project", "task"]

    quality = chance.integers(3, 9, n)
    assert task(quality=quality) == (
        "regression",
        "from the levels 3 to 8: their order counts; for classes: task: multiclass_classification",
    )
    assert task(kind=quality)[0] == "multiclass_classification"
    assert task(target=chance.integers(0, 400, n))[0] == "regression"
    found = drafted(tmp_path, {"a": a, "visits": chance.poisson(2, n)})
    assert "# 'visits' counts something; no model here has a Poisson loss yet" in found.written().text
    found = drafted(tmp_path, {"a": a, "price": chance.lognormal(8, 1, n).round(2)})
    assert columns(found)["transform"] == "log"
    assert found.spec["constraints"]["quality"][0]["metric"] == "rmse_log"
    found = drafted(tmp_path, {"a": a, "label": chance.integers(0, 2, n) * 1.0})
    assert (found.spec["project"]["task"], columns(found)["types"]) == ("binary_classification", {"label": "category"})
    found = drafted(tmp_path, {"time": chance.integers(1, 900, n), "event": chance.integers(0, 2, n), "a": a})
    assert "models of survival are not there yet" in found.written().text
    assert columns(found)["drop"] == ["time"]


def test_texts_codes_and_many_levels_are_prepared_and_not_taken_for_ids(
    tmp_path: Path, chance: np.random.Generator
) -> None:
    n = 400
    words = ["good", "bad", "film", "plot", "actor", "boring", "great", "story"]
    cells = {
        "review": [" ".join(chance.choice(words, 9)) + f" {i}" for i in range(n)],
        "city": [f"city{i}" for i in chance.integers(0, 100, n)],
        "ticket": [f"T{i}" for i in chance.integers(0, 9999, n)],
        "shop_type": chance.integers(1, 6, n),
        "empty": [None] * n,
        "same": ["x"] * n,
        "label": chance.choice(["u", "v"], n),
    }
    found = drafted(tmp_path, cells)
    assert found.spec["preprocessing"]["columns"] == {
        "review": [{"tf_idf": 1000}],
        "city": [{"target_encode": 20}, {"scale": "standard"}],
    }
    assert columns(found)["types"] == {"shop_type": "category"}
    assert columns(found)["drop"] == ["empty", "same", "ticket"]
    assert reason(found, "empty") == "it has no values"
    assert "id" not in columns(found)
    assert not {"empty", "same"} & {entry.get("column") for entry in found.spec["data"]["expect"]}


def test_thousands_of_levels_are_left_to_catboost_where_it_is_installed(
    tmp_path: Path, chance: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = {"city": [f"city{i}" for i in chance.integers(0, 1200, 6000)], "label": chance.choice(["u", "v"], 6000)}
    monkeypatch.setattr(candidates, "installed", lambda _name: True)
    found = drafted(tmp_path, cells)
    assert found.spec["model"]["candidates"]["cat"] == {"type": "catboost"}
    assert "preprocessing" not in found.spec
    assert "levels: it learns from all of them" in found.written().text
    monkeypatch.setattr(candidates, "installed", lambda _name: False)
    found = drafted(tmp_path, cells)
    assert "cat" not in found.spec["model"]["candidates"]
    assert "city" in found.spec["preprocessing"]["columns"]


def test_columns_are_of_people_where_names_and_values_say_so(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 300
    sex, age = chance.choice(["M", "F"], n), chance.integers(18, 80, n)
    streets = [f"{i % 90} {('Jump', 'Elm')[i % 2]} Street" for i in range(n)]
    animals = {"sex": chance.choice(["M", "F", "I"], n), "length": chance.random(n), "price": chance.random(n)}
    found = drafted(tmp_path, animals)
    assert "sensitive" not in columns(found)
    assert "# 'sex': neither the values nor other columns say that rows are people" in found.written().text
    found = drafted(tmp_path, {"sex": sex, "age": age, "churn": chance.integers(0, 2, n)})
    assert columns(found)["sensitive"] == ["sex"]
    films = {"title": streets, "phone": chance.choice(["iPhone", "Pixel"], n), "length": chance.random(n)}
    assert "personal" not in drafted(tmp_path, {**films, "rating": chance.random(n)}).spec["data"]
    people = {
        "age": age,
        "phone": [f"+44 20 7946 {i:04d}" for i in range(n)],
        "mail": ["a"] * n,
        "home_address": streets,
    }
    found = drafted(tmp_path, {**people, "churn": chance.integers(0, 2, n)})
    assert list(found.spec["data"]["personal"]) == ["phone", "home_address"]


def test_expectations_are_kept_by_the_file_and_only_warn_of_ranges(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 100
    cells: dict[str, Any] = {f"c{i}": chance.normal(size=n) for i in range(110)}
    found = drafted(tmp_path, {**cells, "label": chance.choice(["u", "v"], n)})
    expected = found.spec["data"]["expect"]
    assert expected[1] == {"column": "label", "missing": {"at_most": 0}, "allowed": ["u", "v"]}
    assert {entry["severity"] for entry in expected[2:]} == {"warn"}
    assert len(expected) == 30
    assert "# 82 more columns: `mlspec profile` shows what they hold" in found.written().text
    assert found.spec["model"]["candidates"]["linear"] == {"type": "logistic_regression", "C": 0.01}


def test_what_is_stated_is_written_and_what_is_not_there_is_named(tmp_path: Path, chance: np.random.Generator) -> None:
    n = 300
    cells = {"key": [f"k{i}" for i in range(n)], "step": range(n), "shop": chance.integers(0, 30, n),
             "junk": chance.random(n), "good": chance.random(n), "label": chance.integers(0, 5, n)}  # fmt: skip
    found = drafted(tmp_path, cells, target="label", task="regression", time="step", drop=("junk",), id="key")
    assert (found.spec["project"]["task"], columns(found)["id"]) == ("regression", "key")
    assert columns(found)["drop"] == ["junk"]
    assert found.spec["data"]["split"]["column"] == "step"
    assert drafted(tmp_path, cells, group="shop").spec["data"]["split"]["column"] == "shop"
    with pytest.raises(SpecError) as error:
        drafted(tmp_path, cells, drop=("jnk",), time="good", id="good")
    assert [(one.message, one.notes) for one in error.value.diagnostics] == [
        ("the data has no column 'jnk'", ("did you mean 'junk'?",)),
        ("'good' can't be used for --time and for --id", ()),
    ]


def test_without_a_data_engine_the_first_rows_are_looked_at(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(1500), "price": [i * 0.1 for i in range(1500)]}).write_csv(tmp_path / "t.csv")
    found = draft(tmp_path / "t.csv", tmp_path, with_rows=False)
    text = found.written().text
    assert "from the first 1,000 rows of t.csv" in text
    (tmp_path / "project.yaml").write_text(text)
    api.validate(tmp_path / "project.yaml")


def test_the_policy_of_the_place_is_heeded(tmp_path: Path) -> None:
    pl.DataFrame({"a": [0.1 * i for i in range(300)], "label": ["u", "v", "v"] * 100}).write_csv(tmp_path / "t.csv")
    (tmp_path / "policy.yaml").write_text("keys: [{key: data.personal, reason: Say what is personal.}]\n")
    (note,) = api.draft(tmp_path / "t.csv", tmp_path, trial=False).notes
    assert note.startswith("to be decided before it runs: the policy requires 'data.personal'; ")
    (tmp_path / "policy.yaml").write_text("key: []\n")
    with pytest.raises(SpecError) as error:
        api.draft(tmp_path / "t.csv", tmp_path, trial=False)
    assert error.value.diagnostics[0].code == "unknown-key"


def test_what_makes_a_spec_fail_is_left_out_or_nothing_is_written(tmp_path: Path) -> None:
    from msgspec.structs import replace

    found = drafted(tmp_path, {"a": [0.1 * i for i in range(300)], "label": ["u", "v", "v"] * 100})
    wrong = [*found.spec["data"]["expect"], {"column": "b", "unique": True}]
    broken = replace(found, spec={**found.spec, "data": {**found.spec["data"], "expect": wrong}})
    given = drafting.tried(broken, tmp_path / "t.csv", trial=False)
    assert given.text == found.written().text
    assert given.notes == ("left out data.expect.3: source 't' has no column 'b'",)
    other = {**found.spec["project"], "task": "forecast"}
    with pytest.raises(SpecError) as error:
        drafting.tried(replace(found, spec={**found.spec, "project": other}), tmp_path / "t.csv", trial=False)
    (one,) = error.value.diagnostics
    assert one.code == "draft-fails"
    assert one.message.startswith("the proposed spec does not work: 'forecast' is not allowed for 'project.task'")
