"""An action: what one step gave, stored under its fingerprint as JSON behind a checksum of itself."""

import hashlib
from typing import Any

import msgspec

from mlspec.diagnostics import StoreError
from mlspec.machine import json_values

LARGEST = 64 << 20


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """What one step gave.

    ``inputs`` and ``outputs`` map names to content digests, ``folders`` names the outputs that are folders. ``record``
    is what it took: ``step``, ``seconds``, ``cpu_seconds``, ``peak_memory`` in bytes, ``finished`` (ISO 8601, UTC);
    and ``machine``: what its numeric libraries computed with.
    """

    fingerprint: str
    identity: str
    kind: str
    inputs: dict[str, str] = {}
    outputs: dict[str, str] = {}
    folders: tuple[str, ...] = ()
    record: dict[str, Any] = {}


def encode(action: Action) -> bytes:
    """The bytes that are stored."""
    content = msgspec.json.encode(action, order="sorted")
    return b"%s\n%s\n" % (hashlib.sha256(content).hexdigest().encode(), content)


def decode(stored: bytes, fingerprint: str) -> Action:
    """The action from its bytes. Raises StoreError when a single one of them is not what was stored."""
    checksum, _, content = stored.partition(b"\n")
    body = content[:-1]
    if content[-1:] != b"\n" or hashlib.sha256(body).hexdigest().encode() != checksum:
        raise StoreError(f"stored action {fingerprint[:12]} is damaged")
    try:
        action = json_values.decode(body, Action)
    except ValueError as error:
        raise StoreError(f"stored action {fingerprint[:12]} can't be read: {error}") from None
    if action.fingerprint != fingerprint:
        raise StoreError(f"stored action {fingerprint[:12]} is that of {action.fingerprint[:12]}")
    return action


def unsealed(stored: bytes) -> bytes:
    """An action's bytes without a seal behind them."""
    return b"".join(stored.splitlines(keepends=True)[:2])
