"""Labels by POST /feedback: what fits the model is kept for monitoring, everything else is refused with its place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from mlspec.monitoring import labels
from mlspec.serving import feedback
from mlspec.serving.app import App
from mlspec.serving.feedback import Feedback
from mlspec.serving.metrics import Metrics
from mlspec.serving.tokens import Tokens
from mlspec.spec.operation.labels import Labels

from . import packages
from .conftest import app_of, asked

TOKEN = {"Authorization": f"Bearer {'t' * 20}"}


def app(folder: Path, home: Path, said: Labels | None = None) -> App:
    home.mkdir(exist_ok=True)
    kept = Feedback(home, said, lambda _count: None)
    model = app_of(folder)._served.model
    return App(model, max_rows=50, timeout=1, tokens=Tokens(("t" * 20,)), metrics=Metrics(), feedback=kept)


def test_labels_are_what_monitoring_reads(folder: Path, tmp_path: Path) -> None:
    said = Labels(source="-", key="order", time="seen")
    service = app(folder, tmp_path / "labels", said)
    for body, count in (
        ({"request_id": "a", "label": "x0"}, 1),
        ([{"request_id": "a", "label": "x1"}, {"request_id": "b", "row": 3, "label": "x2"}], 2),
        ({"request_id": "unknown", "label": "x0"}, 1),
    ):
        assert asked(service, "/feedback", body, TOKEN).json == {"accepted": count}
    service.close()
    # Labels of a window of monitoring: the last of each row, all others counted.
    reference: Any = SimpleNamespace(
        labels=said, classes=("x0", "x1", "x2"), target="answer", fairness=(), slices=(), columns=()
    )
    now = datetime.now(UTC) + timedelta(minutes=1)
    found = labels.read(str(tmp_path / "labels"), reference, now)
    rows = found.rows.sort("request_id").select("request_id", "row", "__truth__").rows()
    assert rows == [("a", 0, "x1"), ("b", 3, "x2"), ("unknown", 0, "x0")]
    assert (found.counts.rows, found.counts.corrected) == (4, 1)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"request_id": "a", "label": "x9"}, 422, "row 0, field 'label': is none of x0, x1, x2"),
        ({"request_id": "a", "label": None}, 422, "the body is no label: "),
        ({"request_id": "a", "label": "x0", "more": 1}, 422, "the body is no label: "),
        ({"request_id": "a\n", "label": "x0"}, 422, "row 0, field 'request_id': is no id of a request"),
        ({"request_id": "a", "row": -1, "label": "x0"}, 422, "row 0, field 'row': is no place of a row"),
        ([], 422, "the request has no labels"),
        ([{"request_id": "a", "label": "x0"}] * 51, 413, "the request has 51 labels, more than 50"),
        (b'{"request_id": "a", "label": "x0", "label": "x1"}', 400, "the body has the key 'label' twice in one object"),
        (b"[" * 100_000, 400, "the body is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_label_is_refused(body: Any, status: int, message: str, folder: Path, tmp_path: Path) -> None:
    service = app(folder, tmp_path / "labels")
    reply = asked(service, "/feedback", body, TOKEN)
    assert reply.status == status
    assert reply.json["error"]["message"].startswith(message)
    service.close()
    assert not list((tmp_path / "labels").iterdir())


def test_labels_are_bounded_and_need_the_token(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"request_id": "a", "label": "x0"}
    assert asked(app_of(folder), "/feedback", one).status == 404  # nobody takes labels there
    service = app(folder, tmp_path / "labels")
    assert asked(service, "/feedback", one).status == 401
    assert asked(service, "/feedback", headers=TOKEN).headers["allow"] == "POST"
    service.close()
    monkeypatch.setattr(feedback, "MOST", 3)
    service = app(folder, tmp_path / "labels")
    reply = asked(service, "/feedback", [one] * 4, TOKEN)
    assert (reply.status, reply.headers["retry-after"]) == (503, "10")
    service.close()
    monkeypatch.setattr(feedback, "LARGEST", -1)
    service = app(folder, tmp_path / "labels")
    assert asked(service, "/feedback", one, TOKEN).json["error"]["message"] == "there is no room for more labels"
    service.close()


def test_numbers_are_labels_of_a_regression(tmp_path: Path) -> None:
    folder = packages.write(tmp_path / "model", classes=0)
    service = app(folder, tmp_path / "labels")
    for label, status in ((7, 200), (1.5, 200), ("7", 422), (True, 422), (10**400, 422)):
        body = msgspec.json.encode({"request_id": "a"})[:-1] + b', "label": %s}' % _json(label)
        assert asked(service, "/feedback", body, TOKEN).status == status
    service.close()


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
