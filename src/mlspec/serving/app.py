"""The service as an ASGI application: which address gives what, who may ask, and what every answer has in common."""

import asyncio
import functools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import msgspec

from mlspec.serving import open_inference, openapi, rows_of
from mlspec.serving.answering import Answering, Answers
from mlspec.serving.metrics import Metrics
from mlspec.serving.refusal import Refused
from mlspec.serving.tokens import Tokens

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
JSON, TEXT, HTML = b"application/json", b"text/plain; version=0.0.4; charset=utf-8", b"text/html; charset=utf-8"
AT_ONCE = 32  # rows that are answered between two looks at the network
STRICT = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'")


class Log(Protocol):
    """What keeps what was asked and answered."""

    def answered(self, request: str, seconds: float, answers: Answers) -> None:
        """Keep the rows of a request."""

    def failed(self, request: str, seconds: float, status: str) -> None:
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
    """A request that is about rows: its id and body, and what makes the answer's body."""

    id: str
    body: bytes


Handler = Callable[[Asked], Awaitable[Reply]]


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
    ) -> None:
        self.ready = True
        self._model, self._max_rows, self._timeout = model, max_rows, timeout
        self._tokens, self._metrics, self._log = tokens, metrics, log
        self._worker = ThreadPoolExecutor(1, "mlspec-by-table")
        document = msgspec.json.encode(openapi.document(model, max_rows=max_rows, with_tokens=bool(tokens)))
        own = f"/v2/models/{model.name}"
        said = {
            "/": Reply(200, openapi.page(model).encode(), HTML, (STRICT,)),
            "/openapi.json": Reply(200, document),
            "/v2": _json(open_inference.about_server()),
            own: _json(open_inference.about_model(model)),
        }
        self._get: Mapping[str, Callable[[], Reply]] = {
            **{path: functools.partial(_same, reply) for path, reply in said.items()},
            "/v2/health/live": lambda: _json({"live": True}),
            "/v2/health/ready": self._readiness,
            f"{own}/ready": self._readiness,
            "/metrics": lambda: Reply(200, self._metrics.text(), TEXT),
        }
        self._open = frozenset({"/v2/health/live", "/v2/health/ready", f"{own}/ready"})
        self._post: Mapping[str, Handler] = {"/predict": self._predict, f"{own}/infer": self._infer}
        self._infer_path = f"{own}/infer"

    def close(self) -> None:
        """Write what is left to log."""
        self._worker.shutdown()
        if self._log is not None:
            self._log.close()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            return
        began, path, headers = time.perf_counter(), scope["path"], dict(scope["headers"])
        stated = headers.get(b"x-request-id")
        request = stated.decode() if stated is not None and REQUEST_ID.fullmatch(stated) else secrets.token_hex(16)
        known = path in self._get or path in self._post
        try:
            reply = await self._reply(scope, path, headers, request, receive)
        except Refused as error:
            reply = self._refusal(error, path, request)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # What it says may be of the request: its type alone is shown.
            reply = self._refusal(
                Refused(503, "failed", f"the model can't answer: {type(error).__name__}", retry=1), path, request
            )
        seconds = time.perf_counter() - began
        if path in self._post:
            self._metrics.seconds.observe(seconds)
            if reply.status >= 400 and self._log is not None and reply.status not in (401, 405):
                self._log.failed(request, seconds, "failed" if reply.status >= 500 else "refused")
        self._metrics.count(path if known else "other", reply.status)
        own = (b"content-type", reply.kind), (b"content-length", b"%d" % len(reply.body))
        said = [*own, *reply.headers, (b"x-request-id", request.encode())]
        await send({"type": "http.response.start", "status": reply.status, "headers": said})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(
        self, scope: dict[str, Any], path: str, headers: Mapping[bytes, bytes], request: str, receive: Receive
    ) -> Reply:
        method = scope["method"]
        if path not in self._open:
            if not self._tokens.admit(headers.get(b"authorization", b"")):
                raise Refused(401, "no-token", "send the header Authorization: Bearer TOKEN")
            if scope.get("state", {}).get("busy") and path != "/metrics":
                raise Refused(503, "busy", "too many requests at the same time", retry=1)
        get, post = self._get.get(path), self._post.get(path)
        if get is None and post is None:
            raise Refused(404, "not-found", "there is nothing at this address: see /openapi.json")
        if get is not None:
            if method not in ("GET", "HEAD"):
                raise Refused(405, "wrong-method", "GET is the only method here")
            return get()
        assert post is not None
        if method != "POST":
            raise Refused(405, "wrong-method", "POST is the only method here")
        kind = headers.get(b"content-type", JSON).partition(b";")[0].strip().lower()
        if kind not in (JSON, b"", b"application/x-www-form-urlencoded", b"text/plain"):
            raise Refused(415, "not-json", "the body has to be application/json")
        message = await receive()
        return await post(Asked(request, message.get("body", b"")))

    async def _predict(self, asked: Asked) -> Reply:
        rows = rows_of.of_objects(asked.body, self._max_rows)
        answers = await self._answers(asked, rows)
        return Reply(200, _encoded(self._model.digest, asked.id, self._by_row(answers), answers.notes))

    async def _infer(self, asked: Asked) -> Reply:
        rows, infer = open_inference.asked(asked.body, self._model, self._max_rows)
        answers = await self._answers(asked, rows)
        return _json(open_inference.answered(self._model, infer, asked.id, answers.columns))

    async def _answers(self, asked: Asked, rows: list[rows_of.Row]) -> Answers:
        began = time.perf_counter()
        try:
            found = self._model.quick(rows) if len(rows) <= AT_ONCE else None
            if found is None:
                self._metrics.by_table.inc()
                loop = asyncio.get_running_loop()
                work = loop.run_in_executor(self._worker, self._by_table, rows, time.monotonic() + self._timeout)
                found = await asyncio.wait_for(work, self._timeout)
        except TimeoutError:
            raise Refused(503, "busy", f"no answer within {self._timeout:g} s", retry=1) from None
        except Refused as error:
            self._metrics.refused.inc(len({cell.row for cell in error.cells}))
            raise
        self._metrics.rows.inc(len(rows))
        if persons := sum(found.columns.get("to_person", ())):
            self._metrics.to_person.inc(persons)
        if self._log is not None:
            self._log.answered(asked.id, time.perf_counter() - began, found)
        return found

    def _by_table(self, rows: list[rows_of.Row], until: float) -> Answers:
        if time.monotonic() > until:
            raise TimeoutError  # nobody waits for it any more
        return self._model.quick(rows) or self._model.slow(rows)

    def _by_row(self, answers: Answers) -> list[dict[str, Any]]:
        columns, classes = answers.columns, self._model.about.classes
        if classes is None:
            return [{"prediction": value} for value in columns["prediction"]]
        probabilities = zip(*(columns[f"p_{name}"] for name in classes), strict=True)
        named = [dict(zip(classes, shares, strict=True)) for shares in probabilities]
        decided = zip(columns["prediction"], named, strict=True)
        made: list[dict[str, Any]] = [{"prediction": one, "probabilities": shares} for one, shares in decided]
        for row, person in zip(made, columns.get("to_person", ()), strict=False):
            row["to_person"] = person
        return made

    def _readiness(self) -> Reply:
        return Reply(200 if self.ready else 503, b'{"ready":true}' if self.ready else b'{"ready":false}')

    def _refusal(self, error: Refused, path: str, request: str) -> Reply:
        """As the address has its errors: the protocol's are a text."""
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
            headers = ((b"allow", b"POST" if path in self._post else b"GET, HEAD"),)
        return Reply(error.status, msgspec.json.encode(body), JSON, headers)


def _encoded(digest: str, request: str, rows: list[dict[str, Any]], notes: tuple[str, ...]) -> bytes:
    said = {"model": digest, "request_id": request, "predictions": rows}
    return msgspec.json.encode({**said, "notes": notes} if notes else said)


def _json(value: Any) -> Reply:
    return Reply(200, msgspec.json.encode(value))


def _same(reply: Reply) -> Reply:
    return reply
