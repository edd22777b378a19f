"""A request log and labels against the sketch in a package: what raises an alarm, and what is left out."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import numpy as np
import polars as pl
import pytest
from tests.monitoring.made import NOW, make_package, write_log

from mlspec import api
from mlspec.cli import main
from mlspec.cli.schema import schemas
from mlspec.diagnostics import SpecError
from mlspec.monitoring import parts
from mlspec.monitoring.findings import Monitored
from mlspec.monitoring.part import CORE

Array = np.ndarray[Any, Any]

KINDS = {"pay": "number", "age": "number", "job": "category"}
PARITY = {"metric": "equal_opportunity_difference", "group": ["sex"], "minimum_rows": 30, "at_most": 0.2}
OPERATION: dict[str, Any] = {
    "labels": {"source": "nowhere.csv", "within": 86400.0, "time": "known"},
    "monitor": {
        "window": {"rows": 2000, "at_most": 86400.0},
        "drift": {
            "psi": {"at_most": 0.1},
            "prediction": {"at_most": 0.1},
            "missing": {"at_most": 0.05},
            "unseen": {"at_most": 0.01},
            "out_of_range": {"at_most": 0.01},
        },
        "service": {"p99": 0.02, "errors": {"at_most": 0.01}},
        "quality": [
            {"metric": "roc_auc", "at_least": 0.8, "estimated": True},
            {"metric": "roc_auc", "at_least": 0.8},
        ],
        "fairness": True,
    },
    "retrain": {"when": {"quality": True, "age": 7776000.0, "labels": 100000}},
}
TIME = NOW.isoformat()
BEGAN = "2026-01-10T08:00:00.000Z"


class Rows(NamedTuple):
    """Rows with what a model that knows how they come about says of them."""

    table: "pl.DataFrame"
    probability: "Array"
    truth: "Array"


class Served(NamedTuple):
    """A package, its digest, and where log and labels are."""

    package: Path
    model: str
    log: Path
    labels: Path


def rows(count: int, seed: int, *, shift: float = 0.0, concept: bool = False) -> Rows:
    """``shift``: how far pay is moved; ``concept``: age has come to mean the opposite."""
    random = np.random.default_rng(seed)
    pay, age = random.normal(size=count) + shift, random.normal(size=count)
    table = pl.DataFrame({"pay": pay, "age": age, "job": random.choice(["a", "b", "c"], count, p=[0.6, 0.3, 0.1])})
    probability = 1 / (1 + np.exp(-(1.5 * pay + 1.5 * age)))
    true = 1 / (1 + np.exp(-(1.5 * pay - 1.5 * age))) if concept else probability
    return Rows(table, probability, (random.uniform(size=count) < true).astype(np.int64))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    known = rows(4000, 1)
    table = known.table.with_columns(sex=pl.Series(["f", "m"] * 2000))
    folder = tmp_path_factory.mktemp("package")
    return make_package(
        folder,
        table,
        KINDS,
        known.probability,
        known.truth,
        OPERATION,
        fairness=(PARITY,),
        began=BEGAN,
        sliced=("job",),
    )


@pytest.fixture
def served(package: tuple[Path, str], tmp_path: Path) -> Served:
    return Served(*package, tmp_path / "log", tmp_path / "labels.csv")


def log(served: Served, some: Rows, **more: Any) -> "pl.DataFrame":
    answers = {"no": 1 - some.probability, "yes": some.probability}
    called = np.where(some.probability > 0.5, "yes", "no")
    inputs = {name: some.table[name] for name in some.table.columns}
    return write_log(
        served.log, inputs, prediction=called, probability=answers, **{"model": served.model, "seconds": 40.0} | more
    )


def label(served: Served, logged: "pl.DataFrame", truth: "Array", **more: Any) -> "pl.DataFrame":
    """A label of each row, an hour after it."""
    table = pl.DataFrame(
        {
            "request_id": logged["request_id"],
            "bought": np.where(truth == 1, "yes", "no"),
            "known": logged["time"] + timedelta(hours=1),
            "sex": ["f", "m"] * (logged.height // 2),
        }
    ).with_columns(**more)
    table.write_csv(served.labels, datetime_format="%Y-%m-%d %H:%M:%S")
    return table


def monitored(served: Served) -> Monitored:
    return api.monitor(served.log, served.labels, package=served.package, now=NOW)


def verdicts(found: Monitored, verdict: str) -> set[tuple[str, str]]:
    return {(one.monitor, one.subject) for one in found.findings if one.verdict == verdict}


def test_undisturbed_rows_raise_no_alarm(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    some = rows(6000, 2)
    label(served, log(served, some), some.truth)
    command = ["monitor", str(served.log), str(served.labels), "--package", str(served.package), "--now", TIME]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^pass +drift.psi +pay +PSI 0.00\d above chance", shown, re.MULTILINE)
    assert re.search(r"^pass +quality +roc_auc", shown, re.MULTILINE)
    assert re.search(r"^pass +fairness +equal_opportunity_difference by sex", shown, re.MULTILINE)
    assert re.search(r"^unknown +estimated +roc_auc", shown, re.MULTILINE)  # never a pass
    assert "it cannot see a change of the relation between columns and target" in shown
    assert main([*command, "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    jsonschema.validate(said, json.loads(schemas()["monitor"]()))
    assert len(said["history"]) == 2
    assert [(part["values"], part["metric"], part["rows"] > 100) for part in said["slices"]] == [
        (["a"], "roc_auc", True),
        (["b"], "roc_auc", True),
        (["c"], "roc_auc", True),
    ]
    assert all(abs(part["value"] - part["before"]) < 0.1 for part in said["slices"])
    assert all(part["low"] < part["predicted"] < part["high"] for part in said["calibration"])


def test_a_shift_of_a_column_names_it(served: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log(served, rows(4000, 3, shift=0.6))
    page, prometheus = tmp_path / "page.html", tmp_path / "mlspec.prom"
    label(served, log(served, rows(2, 4), part="0002"), np.asarray([0, 1]))
    command = ["monitor", str(served.log), str(served.labels), "--package", str(served.package), "--now", TIME]
    assert main([*command, "--format", "html", "-o", str(page), "--prometheus", str(prometheus)]) == 1
    assert main([*command, "--format", "markdown"]) == 1
    shown = capsys.readouterr().out
    assert "Alarm: 2 bounds fail: drift.psi of pay; drift.prediction of score" in shown
    whole = page.read_text()
    assert "drift.psi: pay" in whole
    assert "<svg" in whole
    assert "<script" not in whole
    text = prometheus.read_text()
    assert f'mlspec_monitor_verdict{{model="{served.model[:12]}",monitor="drift.psi",subject="pay"}} 0\n' in text
    assert f'mlspec_monitor_alarms{{model="{served.model[:12]}"}} 2\n' in text


@pytest.mark.slow
def test_cells_that_the_model_has_not_seen(served: Served) -> None:
    some = rows(2000, 5)
    odd = np.arange(2000) % 20 == 0
    table = some.table.with_columns(
        pl.when(pl.Series(odd)).then(pl.lit("new\x1b[31m")).otherwise("job").alias("job"),
        pl.when(pl.Series(odd)).then(99.0).otherwise("age").alias("age"),
        pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise("pay").alias("pay"),
    )
    log(served, some._replace(table=table))
    found = _without_labels(served)
    assert verdicts(found, "fail") == {
        ("drift.unseen", "job"),
        ("drift.out_of_range", "age"),
        ("drift.missing", "pay"),
    }
    (unseen,) = (one for one in found.findings if one.monitor == "drift.unseen" and one.verdict == "fail")
    assert unseen.reason == "5.0% unseen: 'new\\x1b[31m', interval 0.0361 to 0.067 over 2,000 rows"


@pytest.mark.slow
def test_slow_and_failed_requests(served: Served) -> None:
    slow = pl.when(pl.int_range(pl.len()) % 50 == 0).then(30.0).otherwise(3.0).cast(pl.Float32)
    failed = pl.when(pl.int_range(pl.len()) % 30 == 0).then(pl.lit("failed")).otherwise(pl.lit("ok"))
    log(served, rows(2000, 6), milliseconds=slow, status=failed)
    assert verdicts(_without_labels(served), "fail") == {("service.p99", "p99"), ("service.errors", "failed requests")}


@pytest.mark.slow
def test_a_change_of_the_relation_is_seen_by_labels_alone(served: Served) -> None:
    some = rows(6000, 7, concept=True)
    label(served, log(served, some), some.truth)
    found = monitored(served)
    assert ("quality", "roc_auc") in verdicts(found, "fail")
    assert ("estimated", "roc_auc") in verdicts(found, "unknown")
    assert not any(monitor.startswith("drift") for monitor, _ in verdicts(found, "fail"))


@pytest.mark.slow
def test_labels_late_doubled_corrected_missing(served: Served) -> None:
    some = rows(6000, 8)
    logged = log(served, some)
    whole = label(served, logged, 1 - some.truth)  # at first all are wrong
    right = whole.with_columns(
        bought=pl.Series(np.where(some.truth == 1, "yes", "no")), known=pl.col("known") + timedelta(hours=2)
    )[100:]
    late = right[:40].with_columns(known=pl.col("known") + timedelta(days=1))
    later = right[-10:].with_columns(known=pl.lit(NOW + timedelta(days=1)))
    other = right[:3].with_columns(request_id=pl.Series(["x", "y", "z"]))
    empty = right[:5].with_columns(bought=pl.lit(None, pl.String), known=pl.col("known") + timedelta(hours=1))
    odd = right[:4].with_columns(bought=pl.lit("perhaps"), known=pl.col("known") + timedelta(hours=1))
    table = pl.concat([whole[100:], right[40:], late, late[:20], later, other, empty, odd])
    table.write_csv(served.labels, datetime_format="%Y-%m-%d %H:%M:%S")
    found = monitored(served)
    assert found.labels is not None
    said = found.labels
    assert ("quality", "roc_auc") in verdicts(found, "pass")  # by the later ones
    assert (said.duplicates, said.unmatched, said.unusable, said.late) == (20, 3, 9, 40)
    now_known = int((right["known"] <= NOW).sum())
    assert said.corrected == now_known
    assert said.later == table.filter(pl.col("known") > NOW).height
    assert said.missing == 0
    right[1900:].write_csv(served.labels, datetime_format="%Y-%m-%d %H:%M:%S")
    few = monitored(served)
    assert few.labels is not None
    assert few.labels.missing > 0


@pytest.mark.slow
def test_labels_that_depend_on_the_answer(served: Served) -> None:
    """Of people who were refused nobody learns what they would have done."""
    some = rows(6000, 9)
    logged = log(served, some)
    table = label(served, logged, some.truth)
    keep = pl.Series((some.probability > 0.5) | (np.arange(6000) % 10 > 0))
    table.filter(keep).write_csv(served.labels, datetime_format="%Y-%m-%d %H:%M:%S")
    assert ("quality", "roc_auc") in verdicts(monitored(served), "pass")
    keep = pl.Series((some.probability > 0.5) | (np.arange(6000) % 10 > 1))
    table.filter(keep).write_csv(served.labels, datetime_format="%Y-%m-%d %H:%M:%S")
    found = monitored(served)
    assert ("quality", "roc_auc") in verdicts(found, "unknown")
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("labels depend on the predicted class: 80% of 'no' have one and 100% of 'yes'")


@pytest.mark.slow
def test_too_few_labels_never_pass(served: Served) -> None:
    some = rows(6000, 10)
    label(served, log(served, some), some.truth).filter(pl.int_range(pl.len()) % 2 == 0).write_csv(
        served.labels, datetime_format="%Y-%m-%d %H:%M:%S"
    )
    (one,) = (one for one in monitored(served).findings if one.monitor == "quality")
    assert one.verdict == "unknown"
    assert one.reason.startswith("50% of the rows have a label, where 100% should; 0.")


def test_what_is_damaged_is_left_out_and_named(served: Served) -> None:
    logged = log(served, rows(2000, 11))
    day = served.log / str(NOW.date())
    whole = (day / "0001.parquet").read_bytes()
    (day / "0002.parquet").write_bytes(whole[: len(whole) // 2])
    (day / "0003.parquet").write_bytes(b"PAR1" + bytes(range(256)) * 4 + b"PAR1")
    logged.drop("status").write_parquet(day / "0004.parquet")
    (day / "0005.parquet").mkdir()
    (day / "0006.parquet").symlink_to("/dev/zero")
    (day / "0007.parquet.tmp").write_bytes(whole[:100])  # not finished yet
    logged.with_columns(model=pl.lit("f" * 64), request_id="o" + pl.col("request_id")).write_parquet(
        day / "0008.parquet"
    )
    logged.with_columns(role=pl.lit("shadow"), request_id="s" + pl.col("request_id")).write_parquet(
        day / "0009.parquet"
    )
    (day / "0010.parquet").write_bytes(whole)
    odd = logged.with_columns(pl.lit(["x"]).alias("input.pay"), time=pl.col("time").dt.replace_time_zone(None))
    odd.with_columns(request_id="n" + pl.col("request_id")).write_parquet(day / "0011.parquet")
    found = _without_labels(served)
    names = [text.partition(":")[0].rpartition("/")[2] for text in found.log.damaged]
    assert names == ["0006.parquet", "0005.parquet", "0004.parquet", "0003.parquet", "0002.parquet"]
    assert found.log.damaged_parts == 5
    assert (found.log.other_models, found.log.other_roles) == (2000, 2000)
    assert found.log.duplicates > 0
    assert found.log.rows == 4000


@pytest.mark.slow
def test_a_part_that_ends_the_data_engine_is_left_out(served: Served) -> None:
    logged = log(served, rows(20, 17))
    day = served.log / str(NOW.date())
    large = logged.head(1).select(list(CORE)).select(pl.all().repeat_by(1_900_000).explode())
    large.write_parquet(day / "0002.parquet")
    paths = [day / "0001.parquet", day / "0002.parquet", day / "0001.parquet"]
    found = list(parts.read(paths, dict(CORE), 256 << 20))
    assert [part.table is not None for part in found] == [True, False, True]
    assert found[1].wrong == parts.ENDED
    assert all(part.table is not None for part in parts.read(paths, dict(CORE)))


@pytest.mark.slow
def test_what_can_not_be_used(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*more: str) -> str:
        command = ["monitor", str(served.log), *more, "--package", str(served.package), "--now", TIME]
        assert main(command) == 2
        return capsys.readouterr().err.partition("\n")[0]

    assert told() == f"error[bad-log]: the log '{served.log}' can't be read: no such file or directory"
    logged = log(served, rows(20, 12), model="0" * 64)
    served.labels.write_text("id,bought\n1,yes\n")
    assert told() == f"error[bad-log]: the log '{served.log}' has no row of this model"
    (served.log / str(NOW.date()) / "0001.parquet").write_bytes(b"")
    assert told().startswith(f"error[bad-log]: no part of the log '{served.log}' can be read: ")
    log(served, rows(20, 12))
    assert told("nowhere.csv") == "error[source-not-found]: 'nowhere.csv' can't be read: no such file or directory"
    command = ["monitor", str(served.log), str(served.labels), "--package", str(served.package), "--now", TIME]
    assert main(command) == 2
    assert capsys.readouterr().err.startswith(
        f"error[bad-labels]: the labels '{served.labels}' have no column 'request_id'\n  = they have id, bought\n"
    )
    assert told("--webhook", "file:///etc/passwd") == (
        "error[bad-webhook]: a webhook is an address that begins with https:// or http://"
    )
    sketch = served.package / "reference.json"
    whole = sketch.read_bytes()
    try:
        sketch.write_bytes(whole.replace(b'"at_most": 0.1', b'"at_most": 9.9', 1))
        assert told().endswith("it is not the file that was exported: its SHA-256 digest does not match")
    finally:
        sketch.write_bytes(whole)
    (tmp_path / "none").mkdir()
    assert main(["monitor", str(served.log), "--package", str(tmp_path / "none")]) == 2
    assert "is not a model exported by mlspec" in capsys.readouterr().err
    assert main([*command[:-1], "yesterday"]) == 2
    assert "--now takes a time like 2026-01-31T10:00:00Z, not 'yesterday'" in capsys.readouterr().err
    assert logged.height == 20


class _Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.said.append(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.send_response(204 if len(self.server.said) == 1 else 302)  # type: ignore[attr-defined]
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Any]:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Hook)
    server.said = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_webhook_is_called_where_a_bound_fails(served: Served, hook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    log(served, rows(2000, 13, shift=0.6))
    served.labels.write_text("request_id,bought,known\n")
    some = rows(20, 12)
    label(served, log(served, some, part="0002"), some.truth)
    address = f"http://127.0.0.1:{hook.server_port}/"
    command = ["monitor", str(served.log), str(served.labels), "--package", str(served.package), "--now", TIME]
    assert main([*command, "--webhook", address]) == 1
    (body,) = hook.said
    assert json.loads(body)["alarms"][0]["subject"] == "pay"
    capsys.readouterr()
    assert main([*command, "--webhook", address]) == 1  # a redirect is not followed
    assert "warning: the webhook answered 302" in capsys.readouterr().err


def _without_labels(served: Served) -> Monitored:
    """With a file of labels that is not there yet."""
    found = api.monitor(served.log, package=served.package, now=NOW)
    assert found.warnings == ("there are no labels: 'nowhere.csv' does not exist",)
    return found


@pytest.mark.slow
def test_when_to_train_again(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(now: str = TIME) -> tuple[int, str]:
        command = ["retrain", "--check", str(served.log), str(served.labels), "--package", str(served.package)]
        code = main([*command, "--now", now])
        return code, capsys.readouterr().out

    some = rows(6000, 14, shift=0.6)
    label(served, log(served, some), some.truth)
    code, shown = asked()
    assert code == 0  # whatever drifts
    assert "no       quality  roc_auc: 0." in shown
    assert "no       age      it is 50.2 days old, of 90\nno       labels   5,910 labels of rows" in shown
    assert shown.endswith("No reason to train it again\n")
    code, shown = asked("2026-04-11T12:00:00Z")
    assert code == 4
    assert "yes      age      it is 91.2 days old" in shown
    assert "unknown  quality  roc_auc: no row has a label" in shown
    assert shown.endswith("Train it again\n")
    other = rows(6000, 15, concept=True)
    label(served, log(served, other), other.truth)
    code, shown = asked()
    assert code == 4
    assert "yes      quality  roc_auc: 0." in shown


@pytest.mark.slow
def test_labelled_rows_become_a_table(served: Served, tmp_path: Path) -> None:
    some = rows(400, 16)
    logged = log(served, some)
    label(served, logged, some.truth)
    made = tmp_path / "more.parquet"
    command = ["monitor", str(served.log), str(served.labels), "--package", str(served.package), "--now", TIME]
    assert main([*command, "--join", str(made)]) == 0
    table = pl.read_parquet(made)
    assert table.columns == ["request_id", "row", "time", "prediction", "pay", "age", "job", "bought"]
    known = 400 - 90  # of the last hour no label is known yet
    expected = some.table.head(known).with_columns(
        request_id=logged["request_id"].head(known), bought=pl.Series(np.where(some.truth == 1, "yes", "no")[:known])
    )
    assert table.select(expected.columns).equals(expected)


@pytest.mark.slow
def test_a_log_of_another_model_is_named(served: Served) -> None:
    log(served, rows(20, 12), model="abcdef" * 10)
    with pytest.raises(SpecError) as caught:
        _without_labels(served)
    (one,) = caught.value.diagnostics
    assert one.notes == (f"the log names abcdefabcdef; this package is {served.model[:12]}",)
