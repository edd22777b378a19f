"""What the locks say of data that changed: summaries that runs wrote. No data is read."""

from collections.abc import Iterable, Iterator, Mapping

from mlspec.diff.change import Change, DataChange
from mlspec.diff.surroundings import Surroundings
from mlspec.spec.pinned import DataSummary, LockedSource

LEAST = 0.01


def data_changes(before: Surroundings, after: Surroundings, changes: Iterable[Change]) -> Iterator[DataChange]:
    """An entry for each source whose content is another, by git, a pointer, or the locks."""
    old = {} if before.lock is None else before.lock.sources
    new = {} if after.lock is None else after.lock.sources
    moved = {change.key[-1] for change in changes if change.rule == "(data) source"}
    for name in dict.fromkeys((*old, *new, *sorted(moved))):
        was, now = old.get(name), new.get(name)
        is_other = was is not None and now is not None and was.files != now.files
        if name in moved or is_other:
            yield _change(name, was, now, before, after, is_other)


def _change(
    name: str,
    was: LockedSource | None,
    now: LockedSource | None,
    before: Surroundings,
    after: Surroundings,
    is_other: bool,
) -> DataChange:
    if not is_other and was is not None and now is not None:
        return DataChange(source=name, unknown="no run has read the new data: mlspec run")
    one, other = (None if side is None else side.summary for side in (was, now))
    if one is None or other is None:
        which = "base" if one is None else "head"
        return DataChange(source=name, unknown=f"mlspec.lock of the {which} has no summary of it: mlspec run")
    splits = [lock and lock.steps.get("split") for lock in (before.lock, after.lock)]
    tests = [split.outputs.get("test") if split else None for split in splits]
    return DataChange(
        source=name,
        rows=(one.rows, other.rows),
        target=_differing(one.target, other.target, LEAST / 2),
        missing=_differing(_missing(one, other), _missing(other, one), LEAST),
        drifted=_drifted(name, before, after),
        same_test_rows=None if None in tests else tests[0] == tests[1] or None,
    )


def _missing(one: DataSummary, other: DataSummary) -> dict[str, float]:
    return dict.fromkeys(other.missing, 0.0) | one.missing


def _differing(
    was: Mapping[str, float], now: Mapping[str, float], least: float
) -> dict[str, tuple[float | None, float | None]]:
    found = {}
    for name in dict.fromkeys((*was, *now)):
        old, new = was.get(name), now.get(name)
        if old is None or new is None or (name == "mean" and old != new) or abs(new - old) >= least - 1e-9:
            found[name] = (old, new)
    return found


def _drifted(name: str, before: Surroundings, after: Surroundings) -> tuple[str, ...]:
    """Columns whose spread the head's lock pins otherwise than the base's, as ``--accept-data`` does."""
    old = {} if before.lock is None else before.lock.spreads
    new = {} if after.lock is None else after.lock.spreads
    both = (key for key in old.keys() & new.keys() if ":" not in key and key.rpartition("/")[0] in ("", name))
    return tuple(sorted(key.rpartition("/")[2] for key in both if old[key].sketch != new[key].sketch))
