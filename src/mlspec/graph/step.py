"""A step: one piece of work, with all that identifies it."""

from typing import Any

import msgspec

from mlspec.document import Path
from mlspec.plugins.base import Schema


class Input(msgspec.Struct, frozen=True, order=True):
    """What a step reads: one named output of another step."""

    step: str
    output: str


class Resources(msgspec.Struct, frozen=True):
    """What a running step takes. ``memory`` in bytes, 0 where nothing is known; ``cpus`` and ``gpus`` are those of all
    its ``nodes`` together, the same number on each."""

    cpus: int = 1
    memory: int = 0
    gpus: int = 0
    nodes: int = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work.

    ``params`` are plain JSON, exactly what the work reads; ``code`` names each piece of code that does the work and its
    version (``{"train": "1", "models/torch.mlp": "2"}``); ``environment`` the library versions that change results;
    ``files`` the digests of files that are read from outside the store. ``path`` is the place in the spec that made the
    step, for diagnostics; ``also`` the ids of equal steps that were merged into this one. Neither is part of the
    fingerprint, nor are ``id``, ``resources`` and ``schemas``. Where a source is read by parts, ``part_of`` is the id
    of the step whose work this one does a part of, and ``whole`` what that step would read if it did all of it.
    """

    id: str
    kind: str
    params: dict[str, Any] = {}
    inputs: dict[str, Input] = {}
    outputs: tuple[str, ...] = ()
    code: dict[str, str] = {}
    environment: dict[str, str] = {}
    files: dict[str, str] = {}
    resources: Resources = Resources()
    schemas: dict[str, Schema] = {}
    path: Path = ()
    also: tuple[str, ...] = ()
    part_of: str = ""
    whole: dict[str, Input] | None = None
