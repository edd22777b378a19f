"""What a service answers: the predictions of ``mlspec predict``, and refusals that name what does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlspec import api
from mlspec.serving.app import App

from . import packages
from .conftest import Ask, app_of, asked

ROW = packages.rows(1, seed=5)[0]


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer in the names of a table."""
    return {
        "prediction": answer["prediction"],
        "to_person": answer["to_person"],
        **{f"p_{name}": share for name, share in answer["probabilities"].items()},
    }


def test_rows_get_the_answers_of_predict(ask: Ask, folder: Path) -> None:
    rows = packages.rows(40, seed=6)
    texts = [{**row, "age": None if row["age"] is None else str(int(row["age"]))} for row in rows]
    loaded = api.load_model(folder, trust_code=True)
    expected = api.predict(loaded, rows)
    for sent in (rows, texts):  # at once, and by the rules of tables
        reply = ask("/predict", sent, {"X-Request-Id": "order-7"})
        assert reply.status == 200
        assert [flat(one) for one in reply.json["predictions"]] == expected
        assert reply.json["request_id"] == reply.headers["x-request-id"] == "order-7"
        assert reply.json["notes"] == list(api.predict(loaded, sent, on_error="skip").notes)
    single = ask("/predict", rows[3])
    assert [flat(one) for one in single.json["predictions"]] == expected[3:4]
    assert single.json["model"] == ask("/predict", rows[4]).json["model"]
    assert single.json["request_id"] != ask("/predict", rows[3]).json["request_id"]
    odd = ask("/predict", {**rows[3], "more": {"nested": [1, {"deep": None}]}}, {"X-Request-Id": "a b\n"})
    assert odd.json["predictions"] == single.json["predictions"]
    assert odd.json["request_id"] != "a b\n"


def test_the_open_inference_protocol_gives_the_same(ask: Ask) -> None:
    rows = packages.rows(4, seed=8)
    about = ask("/v2/models/small").json
    types = {tensor["name"]: tensor["datatype"] for tensor in about["inputs"]}
    inputs = [
        {"name": name, "shape": [4], "datatype": types[name], "data": [row[name] for row in rows]} for name in types
    ]
    plain = ask("/predict", rows).json["predictions"]
    found = ask("/v2/models/small/infer", {"id": "7", "inputs": inputs}).json
    assert found["id"] == "7"
    assert found["model_version"] == about["versions"][0]
    outputs = {one["name"]: one["data"] for one in found["outputs"]}
    assert [one["name"] for one in found["outputs"]] == [one["name"] for one in about["outputs"]]
    assert outputs["prediction"] == [one["prediction"] for one in plain]
    assert outputs["p_x1"] == [one["probabilities"]["x1"] for one in plain]
    version = f"/v2/models/small/versions/{about['versions'][0]}"
    assert ask(version).json == about
    assert ask(f"{version}/infer", {"id": "7", "inputs": inputs}).json == found
    assert ask(f"{version[:-1]}/infer", {"id": "7", "inputs": inputs}).status == 404
    inputs[0] = {**inputs[0], "shape": [4, 1], "data": [[cell] for cell in inputs[0]["data"]]}
    asked_for = {"inputs": inputs, "outputs": [{"name": "p_x1"}]}
    assert [one["data"] for one in ask("/v2/models/small/infer", asked_for).json["outputs"]] == [outputs["p_x1"]]
    short = {"inputs": [{**inputs[0], "data": [[1]]}, *inputs[1:]]}
    assert ask("/v2/models/small/infer", short).json == {"error": "the input 'age' has 1 values for 4 rows"}
    wrong = {"inputs": [{**inputs[0], "datatype": "BYTES"}, *inputs[1:]]}
    assert ask("/v2/models/small/infer", wrong).json["error"].startswith("the input 'age' has the datatype 'BYTES': ")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "the body can't be read as JSON: it is empty"),
        (b"[" * 100_000, 400, "the body is nested too deeply"),
        (b'{"a": NaN}', 400, "the body can't be read as JSON: JSON is malformed: invalid character (byte 6)"),
        (b'{"a": 1e999}', 400, "the body can't be read as JSON: Number out of range"),
        (b'{"a": 1' + b"0" * 5000 + b"}", 400, "the body can't be read as JSON: Integer value out of range"),
        (b'{"a": "\xff"}', 400, "the body can't be read as JSON: it is not UTF-8"),
        (
            b'{"a": "\\ud800"}',
            400,
            "the body can't be read as JSON: it ends too early, or has half of a surrogate pair",
        ),
        (b'{"age": 1, "x": ":", "age": 2}', 400, "the body has the key 'age' twice in one object"),
        (b"7", 422, "the body is a number: send an object, or an array of objects"),
        (b"[]", 422, "the request has no rows"),
        (b"[{}, null]", 422, "row 1 is null: a row is an object, a value for each field"),
        (b"[" + b"{}," * 50 + b"{}]", 413, "the request has 51 rows, more than 50"),
        (ROW | {"age": "old"}, 422, "row 0, field 'age': 'old' is not an integer"),
        (ROW | {"age": [1]}, 422, "row 0, field 'age': the value is of the type list, which is no single value"),
        (ROW | {"age": 10**400}, 422, f"row 0, field 'age': '1{'0' * 59}...' is not an integer"),
        ([ROW, {**ROW, "since": "31.01.2024"}], 422, "1 of 2 rows can't be predicted: row 1, field 'since': "),
        (dict.fromkeys(ROW), 422, "row 0: the row is empty"),
    ],
)
def test_what_does_not_fit_is_named(body: Any, status: int, said: str, ask: Ask) -> None:
    reply = ask("/predict", body)
    assert reply.status == status
    assert reply.json["error"]["message"].startswith(said)
    assert reply.headers["content-type"] == "application/json"


def test_integers_beyond_all_floats_are_infinite_as_in_tables(ask: Ask) -> None:
    for rows in ([{**ROW, "pay": 10**400}], [ROW, {**ROW, "pay": 10**400}, {**ROW, "pay": 0.5}]):
        assert ask("/predict", rows).status == 200


def test_every_wrong_cell_is_listed_with_its_row_and_field(ask: Ask) -> None:
    first, second = {**ROW, "age": "old", "pay": "much"}, {k: v for k, v in ROW.items() if k != "town"}
    error = ask("/predict", [ROW, first]).json["error"]
    assert [(one["row"], one["field"]) for one in error["rows"]] == [(1, "age"), (1, "pay")]
    error = ask("/predict", [first, second]).json["error"]
    assert error["rows"] == [{"row": 1, "field": "town", "reason": "is missing: a text, or null"}]


def test_addresses_methods_and_types(ask: Ask, app: App) -> None:
    assert ask("/nothing").status == 404
    assert ask("/predict").status == 405
    assert ask("/predict").headers["allow"] == "POST"
    assert ask("/v2", {}).headers["allow"] == "GET, HEAD"
    assert ask("/predict", b"<a/>", {"Content-Type": "text/xml"}).status == 415
    assert ask("/v2").json["name"] == "mlspec"
    busy = ask("/predict", ROW, busy=True)
    assert (busy.status, busy.headers["retry-after"]) == (503, "1")
    assert ask("/v2/health/live", busy=True).status == 200
    app.ready = False
    assert [ask(path).status for path in ("/v2/health/live", "/v2/health/ready")] == [200, 503]
    app.ready = True
    assert ask("/v2/models/small/ready").json == {"ready": True}


def test_a_token_is_asked_for(folder: Path) -> None:
    app = app_of(folder, tokens=("a" * 20, "b" * 20))
    for header in ({}, {"Authorization": "Bearer c"}, {"Authorization": "a" * 20}, {"Authorization": "Bearer "}):
        for path, body in (("/predict", ROW), ("/metrics", None), ("/", None), ("/v2/models/small/infer", {})):
            reply = asked(app, path, body, header)
            assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert asked(app, "/predict", ROW, {"Authorization": f"bearer {'b' * 20}"}).status == 200
    assert asked(app, "/v2/health/ready").status == 200


def test_the_document_has_the_columns_and_an_example_that_is_answered(ask: Ask) -> None:
    document = ask("/openapi.json").json
    row = document["components"]["schemas"]["Row"]
    assert list(row["properties"]) == row["required"] == list(packages.KINDS)
    assert row["properties"]["since"] == {"type": ["string", "null"], "format": "date"}
    assert ask("/predict", row["example"]).status == 200
    infer = document["components"]["schemas"]["Infer"]["example"]
    assert ask("/v2/models/small/infer", infer).status == 200
    page = ask("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert json.dumps(row["example"]["town"]).replace('"', "&quot;") in page.body.decode()
    assert b"<script" not in page.body


def test_what_is_counted(folder: Path) -> None:
    app = app_of(folder)
    asked(app, "/predict", packages.rows(3, seed=8))
    asked(app, "/predict", {})
    lines = asked(app, "/metrics").body.decode().splitlines()
    for line in (
        'mlspec_requests_total{path="/predict",status="200"} 1.0',
        'mlspec_requests_total{path="/predict",status="422"} 1.0',
        "mlspec_rows_total 3.0",
        "mlspec_request_seconds_count 2.0",
    ):
        assert line in lines


def test_an_error_of_the_model_shows_nothing_of_the_request(folder: Path) -> None:
    app = app_of(folder)

    def broken(*_: Any) -> Any:
        raise RuntimeError("Mrs Smith")

    app._served.model.quick = broken  # type: ignore[method-assign]
    reply = asked(app, "/predict", ROW)
    assert reply.status == 503
    assert reply.json["error"]["message"] == "the model can't answer: RuntimeError"
