"""The benchmark of accuracy at equal time: one scorer, resumable results, and a report that mixes nothing."""

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
PLAYER = """\
import csv, json, sys
if sys.argv[1:] == ["--version"]:
    print("1.0")
    raise SystemExit
if sys.argv[1] == "broken":
    raise SystemExit("out of luck")
task = json.load(open("task.json"))
header, *rows = csv.reader(open("test.csv"))
assert task["target"] not in header
with open("predictions.csv", "w") as file:
    csv.writer(file).writerows([["True", "False"], *(["0.3", "0.7"] for _ in rows)])
"""


@pytest.fixture
def auto(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("auto")


def result(table: str, contestant: str, score: float | None, metric: str = "rmse", **more: Any) -> dict[str, Any]:
    about = {"rows": 1500, "seed": 0, "version": "a", "data": table, "cores": 2}
    spent = {"wall": 60.0, "cpu": 110.0, "others": 0.0}
    return {"table": table, "contestant": contestant, "score": score, "metric": metric, **about, **spent, **more}


RESULTS = [
    result("hills", "ours", 10.0),
    result("hills", "theirs", 12.0),
    result("hills", "third", 20.0, wall=2.0, cpu=3.0),
    result("ships", "ours", 0.8, "roc_auc"),
    result("ships", "theirs", 0.9, "roc_auc"),
    result("ships", "third", None, "roc_auc"),
    result("lakes", "ours", 1.0),
]


def test_the_report_ranks_tables_that_all_contestants_have(auto: ModuleType) -> None:
    rows = auto.usable(RESULTS)
    lines = list(auto.report(rows, ["ours", "theirs", "third"], first="ours"))
    assert lines[0] == "2 tables, 2 cuts; 1 left out"
    assert lines[4:6] == [
        "| hills | 1,500 | rmse | **10** | 12 | 20 |",
        "| ships | 1,500 | roc_auc | 0.8 | **0.9** | failed |",
    ]
    # theirs: 8 of the 10 between best and worst on hills, the best on ships
    assert lines[9:] == [
        "| ours | 1.50 [1.00, 2.00] | 1 | 0.50 [0.00, 1.00] | 60 | 110 | 0 |  |  |",
        "| theirs | 1.50 [1.00, 2.00] | 1 | 0.90 [0.80, 1.00] | 60 | 110 | 0 | 1, 1 | -0.40 [-1.00, 0.20] |",
        "| third | 3.00 [3.00, 3.00] | 0 | 0.00 [0.00, 0.00] | 31 | 56 | 1 | 2, 0 | 0.50 [0.00, 1.00] |",
    ]


def test_the_report_mixes_no_versions_and_no_rows_and_leaves_out_what_was_disturbed(auto: ModuleType) -> None:
    again = result("hills", "ours", 9.0, version="b")
    with pytest.raises(auto.MixedError, match=r"ours has results of several versions:\n  a\n  b"):
        auto.usable([*RESULTS, again])
    assert [r["score"] for r in auto.usable([*RESULTS, again], newest=True) if r["contestant"] == "ours"] == [9.0]
    with pytest.raises(auto.MixedError, match="the contestants had different rows of hills"):
        auto.usable([*RESULTS, result("hills", "fourth", 9.0, data="other")])
    with pytest.raises(auto.MixedError, match="different numbers of cores"):
        auto.usable([*RESULTS, result("hills", "fourth", 9.0, cores=4)])
    disturbed = result("hills", "fourth", 9.0, others=0.7)
    assert disturbed in auto.usable([*RESULTS, disturbed])
    assert disturbed not in auto.usable([*RESULTS, disturbed], quiet_only=True)


def test_the_scorer_knows_classes_however_a_library_writes_them(auto: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "predictions.csv"
    file.write_text("1.0,0\n0.9,0.1\n0.2,0.8\n0.3,0.7\n")
    assert auto.score("roc_auc", ["1", "0", "1"], ["0", "1"], file) == 1.0
    assert auto.score("log_loss", ["1", "0", "1"], ["0", "1"], file) == pytest.approx(0.5108, abs=1e-4)
    file.write_text("prediction\n1\n3\n")
    assert auto.score("rmse", ["1", "1"], [], file) == pytest.approx(2**0.5)
    for text, wrong in (
        ("prediction\n1\n", "1 predictions for 2 rows"),
        ("prediction\n1\nnan\n", "not a finite number"),
    ):
        file.write_text(text)
        with pytest.raises(ValueError, match=wrong):
            auto.score("rmse", ["1", "1"], [], file)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(auto: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{k},{k % 5 == 0}" for k in range(50)]
    (tmp_path / "made.csv").write_text("x,holds\n" + "\n".join(lines) + "\n")
    (tmp_path / "player.py").write_text(PLAYER)
    monkeypatch.setattr(auto, "CONTEST", tmp_path)
    monkeypatch.setattr(auto, "TABLES", {"made": {"target": "holds", "metric": "log_loss", "half": "chosen"}})
    monkeypatch.setattr(auto, "CONTESTANTS", {word: ("player.py", word, "flaml") for word in ("fine", "broken")})
    asked = argparse.Namespace(seconds=[5], seeds=[0, 1], tables=["made"], cores=1, quiet_only=False, autogluon=None)
    asked.flaml, asked.contestants = sys.executable, ["fine", "broken"]
    first = [next(auto.matches(tmp_path, asked, []))]
    rest = list(auto.matches(tmp_path, asked, first))
    assert [(r["contestant"], r["seed"]) for r in rest] == [("broken", 0), ("fine", 1), ("broken", 1)]
    assert first[0]["score"] == pytest.approx(0.5261, abs=1e-4)  # 2 of 10 are true, 0.3 was said
    assert rest[0]["score"] is None
    assert rest[0]["error"] == "exit code 1: out of luck"
    assert list(auto.matches(tmp_path, asked, [*first, *rest])) == []
    (tmp_path / "player.py").write_text(PLAYER + "# changed\n")
    assert len(list(auto.matches(tmp_path, asked, [*first, *rest]))) == 4
