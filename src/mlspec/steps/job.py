"""What the work of a step is given: where its inputs are, where its outputs go, and on what it may run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlspec.diagnostics import StepError


class LostError(StepError):
    """What a step ran on is gone: it may be tried again elsewhere."""


class Part(msgspec.Struct, frozen=True):
    """A part of a step that any machine can do: ``work`` is the module whose ``run`` does it.

    It gets the inputs of the whole, its params with these added, and its scratch folder. ``name`` is that of no other
    part of the step.
    """

    name: str
    work: str
    params: dict[str, Any]
    outputs: tuple[str, ...]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One step about to run.

    ``inputs`` are read-only paths in the store (a file or a folder each), ``outputs`` paths to be made (a file or a
    folder each, every one of them), ``scratch`` a folder that survives a kill of this step and is removed when it has
    succeeded (checkpoints), ``memory`` the bytes it should stay within (None: not said), ``allowed`` those that it is
    ended beyond, whatever runs beside it, ``records`` what the steps before this one took, by step id, for steps that
    ask for it, ``files`` the digests of what it reads outside the store, as its fingerprint knows them. ``processes``
    train together what it trains, on ``gpus`` of each node where it is for GPUs; ``elsewhere``: for each node but this
    one, the command that starts one of them there; ``accumulate``: networks take a batch that does not fit in parts.
    ``progress(what, share done 0..1, figures)`` reports on a long step.
    ``seconds``: how long it may train (None: no limit; 0: it is left out). ``do_parts`` has parts done on other
    machines, as many at a time as there is room for, and returns the outputs of each (None: there are no other
    machines). It raises StepError where one of them fails.
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
    elsewhere: tuple[tuple[str, ...], ...] = ()
    gpus: tuple[int, ...] = ()
    accumulate: bool = False
    seconds: float | None = None
    threads: int = 1
    memory: int | None = None
    allowed: int | None = None
    records: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    progress: Callable[[str, float, dict[str, float]], None] = lambda _what, _share, _figures: None
    do_parts: Callable[[Sequence[Part]], list[dict[str, Path]]] | None = None
