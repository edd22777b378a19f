"""Fingerprints: a digest of all that a step's result depends on, and of nothing else."""

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.graph.step import Step


class Parts(Struct, frozen=True, kw_only=True):
    """What a fingerprint is made of, kept from run to run so that a plan can say what changed.

    ``inputs`` maps an input's name to the digest of its content.
    """

    kind: str
    code: dict[str, str] = {}
    params: dict[str, Any] = {}
    environment: dict[str, str] = {}
    files: dict[str, str] = {}
    inputs: dict[str, str] = {}


def plain(value: Any) -> Any:
    """The value with one spelling for equal numbers: 1.0 is 1, and what JSON has no number for is a named object.

    Raises TypeError for what is not plain data.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        if value.is_integer() and abs(value) < 2**53:
            return int(value)
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [plain(item) for item in value]
    raise TypeError(f"not plain data: {value!r}")


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces and one spelling of every number: equal values give equal bytes."""
    return msgspec.json.encode(plain(value), order="deterministic")


def parts(step: Step, input_digests: Mapping[str, str]) -> Parts:
    """What the step's fingerprint is made of; ``input_digests`` maps each input's name to its content's digest."""
    return Parts(
        kind=step.kind,
        code=step.code,
        params=step.params,
        environment=step.environment,
        files=step.files,
        inputs=dict(input_digests),
    )


def identity(step: Step) -> str:
    """The digest of everything about a step but its inputs' content: known before anything has run.

    Two steps whose identities differ never share a fingerprint.
    """
    static = {
        "kind": step.kind,
        "code": step.code,
        "params": step.params,
        "environment": step.environment,
        "files": step.files,
    }
    return hashlib.sha256(canonical(static)).hexdigest()


def fingerprint(step: Step, input_digests: Mapping[str, str]) -> str:
    """The step's fingerprint, 64 hex digits. Raises KeyError when the digest of an input is missing."""
    return combine(identity(step), {name: input_digests[name] for name in step.inputs})


def combine(identity_digest: str, input_digests: Mapping[str, str]) -> str:
    """The fingerprint of a step whose identity is at hand."""
    return hashlib.sha256(canonical([identity_digest, dict(input_digests)])).hexdigest()
