"""Copies of requests for a shadow: a socket of datagrams that holds so many and no more.

What the shadow is too slow for is dropped and counted, so that no client waits for it.
"""

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from mlspec.serving.app import Asked

HELD = 1 << 20  # bytes of requests that wait, as far as the kernel allows


class Copy(msgspec.Struct, frozen=True, array_like=True):
    """A request that was answered: which it was, and its body."""

    id: str
    is_infer: bool
    body: bytes


def pair(seconds: float) -> tuple[socket.socket, socket.socket]:
    """Where copies are sent, and where they arrive: who waits there for one does so for so long."""
    sends, gets = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        sends.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)
    sends.setblocking(False)
    gets.settimeout(seconds)
    return sends, gets


def sender(sends: socket.socket, dropped: Callable[[], None]) -> "Callable[[Asked], None]":
    """What sends a copy of a request, or drops it."""
    encoder = msgspec.msgpack.Encoder()

    def send(asked: "Asked") -> None:
        try:
            sends.send(encoder.encode(Copy(asked.id, asked.is_infer, asked.body)))
        except OSError:  # the queue is full, or the request is too long for it
            dropped()

    return send
