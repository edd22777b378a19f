"""Looks at all rows of a source, where the first ones do not say everything: types, and the target's classes."""

import functools
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from mlspec.plugins.base import Column, PluginRef
from mlspec.plugins.source import Source
from mlspec.sources import _pinned_types
from mlspec.sources._pinned_types import MOST_LEVELS, Settled
from mlspec.sources._probe import Seen

ROWS = "__rows__"


def settle(
    root: Path,
    use: PluginRef,
    source: Source,
    target: str,
    seen: Seen,
    later: Callable[[Callable[[], None]], None],
) -> Settled:
    """What all rows have, from a scan unless it is known; ``seen`` is what the first ones have.

    ``later`` receives what keeps it, if the spec's folder can be written; odd cells, and hints of the first rows, which
    may show cells, are not kept. Raises OSError and ValueError where the files can't be read.
    """
    files = _pinned_types.files_of(root, source)
    entry = _pinned_types.read(root, use, target) if files else None
    if entry is not None and entry.files == files:
        return entry.settled
    content = _pinned_types.digests(root, source)
    settled = entry.settled if entry is not None and entry.digests == content else scanned(root, source, target, seen)
    if files and not any(column.odd for column in settled.columns):
        now = _pinned_types.files_of(root, source, fresh=False)
        shown = {column.name: column.hint for column in seen.columns}
        bare = tuple(replace(c, hint="" if c.hint == shown.get(c.name) else c.hint) for c in settled.columns)
        entry = _pinned_types.Entry(replace(settled, columns=bare), now, content)
        later(functools.partial(_pinned_types.keep, root, use, target, entry))
    return settled


def scanned(root: Path, source: Source, target: str, seen: Seen) -> Settled:
    """What all rows have, by reading them. Raises OSError and ValueError as ``Source.columns`` does."""
    import polars as pl

    from mlspec.sources import _columnar, _infer

    columns = source.settled(root, seen.columns)
    values, everything = seen.values.get(target, ((), True))
    kind = next((column.type for column in columns if column.name == target), "image")
    if everything or kind == "image" or len(set(values)) > MOST_LEVELS:
        return Settled(columns)
    rows = source.scan(root, (Column(target, "category"),))
    try:
        found = rows.group_by(target).len(ROWS).collect(engine="streaming")
    except _columnar.errors() as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise ValueError(source.fault(root) or _columnar.reason(error)) from None
    words = _infer.NOT_A_NUMBER if kind in ("integer", "number") else ()
    known = found.filter(pl.col(target).is_not_null() & ~pl.col(target).is_in(words)).sort(target).head(MOST_LEVELS + 1)
    counts = known[ROWS].to_list() if known.height <= MOST_LEVELS else ()
    return Settled(columns, tuple(known[target]), int(found[ROWS].sum()), tuple(counts))
