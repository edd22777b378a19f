"""Looks at sources that the commands leave to a child process, made in this one: a hundred times as many in a minute.

The child's own function is called, and its answer goes through the bytes that it would be sent as. What ends this
process would have ended the child, and is an answer there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.machine import json_values
from mlspec.plugins.source import Source
from mlspec.sources import _probe

APART = _probe._in_a_child


def _in_this_process(
    asked: Sequence[tuple[str, dict[str, Any]]], root: Path, column: str | None, _until: float
) -> list[_probe.Seen | Exception]:
    found = []
    for kind, settings in json_values.decode(msgspec.json.encode(asked)):
        try:
            source = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
        except msgspec.ValidationError as error:
            raise AssertionError(f"a child would die of these settings: {error}") from None
        reply = _probe.reply_of(_probe.here(source, root, column))
        found.append(_probe._outcome(json_values.decode(reply, _probe.Reply)))
    return found


@contextmanager
def looks(*, apart: bool = False) -> Iterator[None]:
    """Looks within are made here, or with ``apart`` in a child process as the commands do."""
    _probe._in_a_child = APART if apart else _in_this_process
    try:
        yield
    finally:
        _probe._in_a_child = APART
