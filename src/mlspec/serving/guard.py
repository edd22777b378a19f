"""HTTP/1.1 with bounds: how long a request takes to arrive, how large it is, how many are answered at once.

A request is handed on when it is whole, so that slow clients take a connection and nothing else.
"""

import asyncio
import functools
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEADERS, LONGEST_HEADERS, LONGEST_URL = 100, 32_768, 4096
HEADERS = f"the headers are more than {MOST_HEADERS}, or {LONGEST_HEADERS:,} bytes"
LINGER = 1.0  # seconds in which what a refused client still sends is thrown away


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a process accepts."""

    max_body: int
    timeout: float
    concurrency: int
    connections: int = 4096


class _TooLarge(Exception):  # noqa: N818 (a way out of the parser)
    pass


class _Whole:
    """What an answer is written to: its head and its body are sent at once."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        """As a transport does, later."""
        self._pieces.append(data)

    def flush(self) -> None:
        """Send what was written."""
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """As a transport does."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """As a transport does."""
        return self._transport.is_closing()


class Guarded(HttpToolsProtocol):
    """One connection. A subclass sets ``bounds``."""

    bounds: Bounds
    draining = False  # of all connections: each answer is the last of its connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As a protocol does."""
        super().connection_made(transport)
        self._held: tuple[Any, Any] | None = None
        self._size, self._done, self._refusal = 0, False, (400, "not-http", "the request can't be read as HTTP/1.1")
        self._heading: int | None = 0
        self._late: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        if len(self.connections) > self.bounds.connections:
            transport.abort()
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """As a protocol does."""
        for timer in (self._late, self._stuck):
            if timer is not None:
                timer.cancel()
        self._held = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As a protocol does."""
        if self._done:
            return
        self._unset_keepalive_if_required()
        if self.cycle is not None and self._late is None and self.cycle.response_complete:
            self._await_request()
        if self._heading is not None:
            self._heading += len(data)  # the parser keeps a header to itself until it ends
        try:
            self.parser.feed_data(data)
            if self._heading is not None and self._heading > LONGEST_HEADERS + LONGEST_URL:
                self._refuse(431, "too-large", HEADERS)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(*self._refusal)

    def on_message_begin(self) -> None:
        """As the parser calls it."""
        super().on_message_begin()
        self._size = 0
        if self._heading is None:
            self._heading = 0

    def on_url(self, url: bytes) -> None:
        """As the parser calls it."""
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            self._end(414, "too-large", f"the address has more than {LONGEST_URL:,} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """As the parser calls it."""
        self._size += len(name) + len(value)
        if self._size > LONGEST_HEADERS or len(self.headers) >= MOST_HEADERS:
            self._end(431, "too-large", HEADERS)
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if name == b"content-length" and value.isdigit() and int(value) > self.bounds.max_body:
            self._end(413, "too-large", f"the body has more than {self.bounds.max_body:,} bytes")

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        super().on_headers_complete()
        self._heading = None
        if self.cycle.waiting_for_100_continue:
            self.cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """As the parser calls it."""
        if self.cycle.response_complete:
            return
        self.cycle.body += body
        if len(self.cycle.body) > self.bounds.max_body:
            self._end(413, "too-large", f"the body has more than {self.bounds.max_body:,} bytes")

    def on_message_complete(self) -> None:
        """As the parser calls it."""
        super().on_message_complete()
        if self._late is not None:
            self._late.cancel()
            self._late = None
        held, self._held = self._held, None
        if held is not None:
            self._start_asgi_task(*held)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if cycle.more_body:
            self._held = cycle, app
            return
        if self.draining:
            cycle.keep_alive = False
        cycle.transport = _Whole(self.transport)
        cycle.on_response = functools.partial(self._answered, cycle.transport)
        cycle.scope["state"]["busy"] = len(self.tasks) >= self.bounds.concurrency
        super()._start_asgi_task(cycle, app)

    def _answered(self, whole: _Whole) -> None:
        whole.flush()
        self.on_response_complete()

    def pause_writing(self) -> None:
        """As a protocol does: a client that does not read its answers is cut off."""
        super().pause_writing()
        self._stuck = self.loop.call_later(self.bounds.timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """As a protocol does."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def shutdown(self) -> None:
        """Close a connection that is idle; another one is closed behind its answer."""
        if self._late is None and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    def _await_request(self) -> None:
        self._late = self.loop.call_later(self.bounds.timeout, self._too_late)

    def _too_late(self) -> None:
        self._late = None
        self._refuse(408, "too-slow", f"the request did not arrive within {self.bounds.timeout:g} s")

    def _end(self, status: int, code: str, message: str) -> None:
        self._refusal = status, code, message
        raise _TooLarge

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Say so, where no other answer is under way, and close the connection behind it."""
        self._done = True
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or self._held is not None:
            body = msgspec.json.encode({"error": {"code": code, "message": message}})
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._late = self.loop.call_later(LINGER, self.transport.close)

    def eof_received(self) -> None:
        """As a protocol does: the connection is closed."""
