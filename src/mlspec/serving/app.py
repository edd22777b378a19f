"""The service as an ASGI application: which address gives what, who may ask, and what every answer has in common."""

import asyncio
import functools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from mlspec.serving import open_inference, openapi, rows_of
from mlspec.serving.answering import Answering, Answers
from mlspec.serving.metrics import Metrics
from mlspec.serving.refusal import Refused
from mlspec.serving.tokens import Tokens

if TYPE_CHECKING:
    from mlspec.serving.feedback import Feedback

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
JSON, TEXT, HTML = b"application/json", b"text/plain; version=0.0.4; charset=utf-8", b"text/html; charset=utf-8"
PREDICT, FEEDBACK = "/predict", "/feedback"
KEY = b"x-rollout-key"
LIVE, CANARY, SHADOW = "live", "canary", "shadow"  # roles of a model
AT_ONCE = 32  # rows that are answered between two looks at the network
STRICT = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'")


class Log(Protocol):
    """What keeps what was asked and answered."""

    def answered(self, model: Answering, role: str, request: str, seconds: float, answers: Answers) -> None:
        """Keep the rows of a request that a model answered as ``live``, ``canary`` or ``shadow``."""

    def failed(self, model: Answering, role: str, request: str, seconds: float, status: str) -> None:
        """Keep that there was a request without an answer: ``refused`` or ``failed``."""

    def close(self) -> None:
        """Write what is left."""


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Asked(NamedTuple):
    """A request that is about rows; ``is_infer``: by the Open Inference Protocol."""

    id: str
    body: bytes
    is_infer: bool
    headers: Mapping[bytes, bytes]


class Canary(NamedTuple):
    """A candidate that answers the requests whose key it ``takes``: that of the field ``key`` of the first row, or of
    the header where that is None."""

    model: Answering
    key: str | None
    takes: Callable[[str], bool]


class _Served(NamedTuple):
    """A model with what is said of it, by address; ``infer`` and ``version``: where the protocol asks it and this
    version of it."""

    model: Answering
    get: Mapping[str, Callable[[], Reply]]
    open: frozenset[str]
    infer: str
    version: str
    canary: Canary | None
    shadow: Callable[[Asked], None] | None


class App:
    """The application. ``ready`` says whether new requests should come here: off before the service ends."""

    def __init__(
        self,
        model: Answering,
        *,
        max_rows: int,
        timeout: float,
        tokens: Tokens,
        metrics: Metrics,
        log: Log | None = None,
        feedback: "Feedback | None" = None,
    ) -> None:
        self.ready = True
        self._max_rows, self._timeout = max_rows, timeout
        self._tokens, self._metrics, self._log, self._feedback = tokens, metrics, log, feedback
        self._workers = {role: ThreadPoolExecutor(1, f"mlspec-{role}") for role in ("live", "canary")}
        self.serve(model)

    def serve(
        self, model: Answering, canary: Canary | None = None, shadow: Callable[[Asked], None] | None = None
    ) -> None:
        """Answer the requests that come from now on by this model; those under way end on the one that they began on.

        ``shadow`` gets what was asked and answered. Other threads may call this.
        """
        document = msgspec.json.encode(self._document(model))
        own = f"/v2/models/{model.name}"
        said = {
            "/": Reply(200, openapi.page(model).encode(), HTML, (STRICT,)),
            "/openapi.json": Reply(200, document),
            "/v2": _json(open_inference.about_server()),
            own: _json(open_inference.about_model(model)),
        }
        get: Mapping[str, Callable[[], Reply]] = {
            **{path: functools.partial(_same, reply) for path, reply in said.items()},
            "/v2/health/live": lambda: _json({"live": True}),
            "/v2/health/ready": self._readiness,
            f"{own}/ready": self._readiness,
            "/metrics": lambda: Reply(200, self._metrics.text(), TEXT),
        }
        is_open = frozenset({"/v2/health/live", "/v2/health/ready", f"{own}/ready"})
        self._metrics.serves(model.name, model.digest)
        self._served = _Served(model, get, is_open, f"{own}/infer", f"{own}/versions/{model.digest}", canary, shadow)

    def _document(self, model: Answering) -> dict[str, Any]:
        feedback = self._feedback is not None
        return openapi.document(model, max_rows=self._max_rows, with_tokens=bool(self._tokens), with_feedback=feedback)

    def close(self) -> None:
        """Write what is left to log."""
        for worker in self._workers.values():
            worker.shutdown()
        for kept in (self._log, self._feedback):
            if kept is not None:
                kept.close()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            return
        began, path, headers = time.perf_counter(), scope["path"], dict(scope["headers"])
        stated = headers.get(b"x-request-id")
        request = stated.decode() if stated is not None and REQUEST_ID.fullmatch(stated) else secrets.token_hex(16)
        served = self._served
        if path.startswith(served.version):  # this model, and no other
            path, served = (
                served.infer.removesuffix("/infer") + path[len(served.version) :],
                served._replace(canary=None),
            )
        asks = path in (PREDICT, served.infer)
        try:
            reply = await self._reply(scope, path, headers, request, receive, served)
        except Refused as error:
            reply = self._refusal(error, path, request, asks=asks)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            reply = self._refusal(_failed(error), path, request, asks=asks)
        seconds = time.perf_counter() - began
        if asks:
            self._metrics.seconds.observe(seconds)
            if reply.status >= 400 and self._log is not None and reply.status not in (401, 405):
                status = "failed" if reply.status >= 500 else "refused"
                self._log.failed(served.model, LIVE, request, seconds, status)
        self._metrics.count(path if asks or path in served.get or path == FEEDBACK else "other", reply.status)
        own = (b"content-type", reply.kind), (b"content-length", b"%d" % len(reply.body))
        said = [*own, *reply.headers, (b"x-request-id", request.encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": said})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(
        self,
        scope: dict[str, Any],
        path: str,
        headers: Mapping[bytes, bytes],
        request: str,
        receive: Receive,
        served: _Served,
    ) -> Reply:
        method = scope["method"]
        if path not in served.open:
            if not self._tokens.admit(headers.get(b"authorization", b"")):
                raise Refused(401, "no-token", "send the header Authorization: Bearer TOKEN")
            if scope.get("state", {}).get("busy") and path != "/metrics":
                raise Refused(503, "busy", "too many requests at the same time", retry=1)
        get = served.get.get(path)
        if get is not None:
            if method not in ("GET", "HEAD"):
                raise Refused(405, "wrong-method", "GET is the only method here")
            return get()
        takes = self._feedback if path == FEEDBACK else None
        if path not in (PREDICT, served.infer) and takes is None:
            raise Refused(404, "not-found", "there is nothing at this address: see /openapi.json")
        if method != "POST":
            raise Refused(405, "wrong-method", "POST is the only method here")
        kind = headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()
        if kind not in (JSON, b"", b"application/x-www-form-urlencoded", b"text/plain"):
            raise Refused(415, "not-json", "the body has to be application/json")
        message = await receive()
        if takes is not None:
            return _json({"accepted": takes.take(message.get("body", b""), served.model, self._max_rows)})
        return await self._answer(Asked(request, message.get("body", b""), path != PREDICT, headers), served)

    async def _answer(self, asked: Asked, served: _Served) -> Reply:
        """By the candidate where it takes the request; what that can't answer is answered by the model in service, and
        counts as failed where this one can."""
        canary = served.canary
        if canary is None or (key := _key(asked, canary.key)) is None or not canary.takes(key):
            reply = await self._by(asked, served.model, LIVE)
            if served.shadow is not None:
                served.shadow(asked)
            return reply
        began = time.perf_counter()
        try:
            reply = await self._by(asked, canary.model, CANARY)
        except asyncio.CancelledError:
            raise
        except BaseException:
            seconds = time.perf_counter() - began
            reply = await self._by(asked, served.model, LIVE)
            self._metrics.canary("failed")
            if self._log is not None:
                self._log.failed(canary.model, CANARY, asked.id, seconds, "failed")
        else:
            self._metrics.canary("answered")
        return reply

    async def _by(self, asked: Asked, model: Answering, role: str) -> Reply:
        """What a model answers."""
        if asked.is_infer:
            rows, infer = open_inference.asked(asked.body, model, self._max_rows)
            answers = await self._answers(asked, rows, model, role)
            return _json(open_inference.answered(model, infer, asked.id, answers.columns))
        rows = rows_of.of_objects(asked.body, self._max_rows)
        answers = await self._answers(asked, rows, model, role)
        return Reply(200, _encoded(model.digest, asked.id, _by_row(model, answers), answers.notes))

    async def _answers(self, asked: Asked, rows: list[rows_of.Row], model: Answering, role: str) -> Answers:
        began = time.perf_counter()
        try:
            found = model.quick(rows) if len(rows) <= AT_ONCE else None
            if found is None:
                self._metrics.by_table.inc()
                loop = asyncio.get_running_loop()
                until = time.monotonic() + self._timeout
                work = loop.run_in_executor(self._workers[role], _by_table, model, rows, until)
                found = await asyncio.wait_for(work, self._timeout)
        except TimeoutError:
            raise Refused(503, "busy", f"no answer within {self._timeout:g} s", retry=1) from None
        self._metrics.rows.inc(len(rows))
        if persons := sum(found.columns.get("to_person", ())):
            self._metrics.to_person.inc(persons)
        if self._log is not None:
            self._log.answered(model, role, asked.id, time.perf_counter() - began, found)
        return found

    def _readiness(self) -> Reply:
        return Reply(200 if self.ready else 503, b'{"ready":true}' if self.ready else b'{"ready":false}')

    def _refusal(self, error: Refused, path: str, request: str, *, asks: bool) -> Reply:
        """As the address has its errors: the protocol's are a text."""
        self._metrics.refused.inc(len({cell.row for cell in error.cells}))
        if path.startswith("/v2"):
            body: Any = {"error": error.message}
        else:
            rows = {"rows": error.cells} if error.cells else {}
            body = {"error": {"code": error.code, "message": error.message, "request_id": request, **rows}}
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if error.retry is not None:
            headers = ((b"retry-after", b"%d" % error.retry),)
        if error.status == 401:
            headers = ((b"www-authenticate", b"Bearer"),)
        if error.status == 405:
            headers = ((b"allow", b"POST" if asks or path == FEEDBACK else b"GET, HEAD"),)
        return Reply(error.status, msgspec.json.encode(body), JSON, headers)


def _key(asked: Asked, field: str | None) -> str | None:
    """The key of a request; None where it lacks the field."""
    if field is None:
        return asked.headers.get(KEY, asked.id.encode()).decode("latin-1")
    return (rows_of.first_of_tensors if asked.is_infer else rows_of.first)(asked.body, field)


def _by_table(model: Answering, rows: list[rows_of.Row], until: float) -> Answers:
    if time.monotonic() > until:
        raise TimeoutError  # nobody waits for it any more
    return model.quick(rows) or model.slow(rows)


def _by_row(model: Answering, answers: Answers) -> list[dict[str, Any]]:
    columns, classes = answers.columns, model.about.classes
    if classes is None:
        return [{"prediction": value} for value in columns["prediction"]]
    probabilities = zip(*(columns[f"p_{name}"] for name in classes), strict=True)
    named = [dict(zip(classes, shares, strict=True)) for shares in probabilities]
    decided = zip(columns["prediction"], named, strict=True)
    made: list[dict[str, Any]] = [{"prediction": one, "probabilities": shares} for one, shares in decided]
    for row, person in zip(made, columns.get("to_person", ()), strict=False):
        row["to_person"] = person
    return made


def _failed(error: BaseException) -> Refused:
    # What it says may be of the request: its type alone is shown.
    return Refused(503, "failed", f"the model can't answer: {type(error).__name__}", retry=1)


def _encoded(digest: str, request: str, rows: list[dict[str, Any]], notes: tuple[str, ...]) -> bytes:
    said = {"model": digest, "request_id": request, "predictions": rows}
    return msgspec.json.encode({**said, "notes": notes} if notes else said)


def _json(value: Any) -> Reply:
    return Reply(200, msgspec.json.encode(value))


def _same(reply: Reply) -> Reply:
    return reply
