"""What the work of a step is given: where its inputs are, where its outputs go, and on what it may run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One step about to run.

    ``inputs`` are read-only paths in the store (a file or a folder each), ``outputs`` paths to be made (a file or a
    folder each, every one of them), ``scratch`` a folder that survives a kill of this step and is removed when it has
    succeeded (checkpoints), ``memory`` the bytes it should stay within (None: not said),
    ``allowed`` those that it is ended beyond, whatever runs beside it, ``records`` what the steps
    before this one took, by step id, for steps that ask for it, ``files`` the digests of what it reads outside the
    store, as its fingerprint knows them. ``processes`` train together what it trains, on ``gpus`` where it is for
    GPUs; ``accumulate``: networks take a batch that does not fit in parts. ``progress(what, share done 0..1, figures)``
    reports on a long step.
    """

    id: str
    kind: str
    params: dict[str, Any]
    inputs: dict[str, Path]
    outputs: dict[str, Path]
    scratch: Path
    root: Path
    device: str = "cpu"
    processes: int = 1
    gpus: tuple[int, ...] = ()
    accumulate: bool = False
    threads: int = 1
    memory: int | None = None
    allowed: int | None = None
    records: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    progress: Callable[[str, float, dict[str, float]], None] = lambda _what, _share, _figures: None
