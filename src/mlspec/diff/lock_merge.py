"""Two runs' locks -> one that claims no result that neither run has: what both made differently is left out."""

from typing import Any

import msgspec
from msgspec import Struct

from mlspec.engine.run import lockfile
from mlspec.machine import json_values

# By entry; of what else a lock holds, each value is one entry.
SECTIONS = ("environment", "machine", "sources", "spreads", "steps", "metrics", "gates")
GATE = "gate."
_GONE: Any = object()


class MergedLock(Struct, frozen=True):
    """The merged lock; ``left_out``: paths of what both sides changed differently, or what depends on that."""

    text: bytes
    left_out: tuple[str, ...] = ()


def merge_locks(base: bytes, ours: bytes, theirs: bytes) -> MergedLock:
    """The entries that one side changed, as it has them, and every use of the test rows.

    A verdict or metric stays only where no other step differs between the sides: else it may be that of another model.
    Raises ValueError where our or their text is no lock; a base that is none counts as empty.
    """
    one, other = _decoded(ours), _decoded(theirs)
    try:
        before = _decoded(base)
    except ValueError:
        before = {}
    merged: dict[str, Any] = {}
    left_out: list[str] = []
    for name in sorted(before.keys() | one.keys() | other.keys()):
        if name in ("holdout", "seal"):
            continue
        sides = [side.get(name, {}) for side in (before, one, other)]
        if name in SECTIONS and all(isinstance(side, dict) for side in sides):
            merged[name] = _entries(sides, left_out, name)
        elif (value := _entry(*(side.get(name, _GONE) for side in (before, one, other)))) is not None:
            merged[name] = value
        else:
            left_out.append(name)
    merged = {name: value for name, value in merged.items() if value is not _GONE}
    merged["holdout"] = _uses(before, one, other)
    left_out += _unsure(merged, before, one, other, set(left_out))
    # What a run wrote stays sealed; what is made of two runs is not.
    whole = next((side for side in (one, other) if _unsealed(side) == _unsealed(merged)), {})
    merged |= {"seal": whole["seal"]} if "seal" in whole else {}
    content = msgspec.json.format(msgspec.json.encode(merged, order="sorted"), indent=2) + b"\n"
    lockfile.decode(content)
    return MergedLock(content, tuple(sorted(set(left_out))))


def _decoded(content: bytes) -> dict[str, Any]:
    """A lock as plain data, keys of later versions included. Raises ValueError for what is none."""
    lockfile.decode(content)
    found: dict[str, Any] = json_values.decode(content)
    return found


def _entry(before: Any, own: Any, other: Any) -> Any:
    """One value of the three; None where both changed it differently."""
    if own == other or other == before:
        return own
    return other if own == before else None


def _entries(three: list[dict[str, Any]], left_out: list[str], section: str) -> dict[str, Any]:
    found = {}
    for key in sorted(set().union(*three)):
        sides = [_timeless(side.get(key, _GONE)) for side in three]
        value = _entry(*sides)
        if value is None:
            left_out.append(f"{section} {key}")
        elif value is not _GONE:
            found[key] = next(side[key] for side in three[1:] if key in side and _timeless(side[key]) == value)
    return found


def _timeless(entry: Any) -> Any:
    """A step without the time that it took, which is no result."""
    return {key: value for key, value in entry.items() if key != "seconds"} if isinstance(entry, dict) else entry


def _unsealed(lock: dict[str, Any]) -> dict[str, Any]:
    steps = {name: _timeless(step) for name, step in lock.get("steps", {}).items()}
    return {key: value for key, value in lock.items() if key != "seal"} | {"steps": steps}


def _uses(before: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> list[Any]:
    """Each use of the test rows once, in the order in which it came."""
    every = [use for side in (before, one, other) for use in side.get("holdout", ())]
    return list({msgspec.json.encode(use, order="sorted"): use for use in every}.values())


def _unsure(
    merged: dict[str, Any], before: dict[str, Any], one: dict[str, Any], other: dict[str, Any], left_out: set[str]
) -> list[str]:
    """Take out of a lock the verdicts and metrics that may not be those of the merged spec; returns their paths."""
    steps, gates, metrics = (merged.setdefault(section, {}) for section in ("steps", "gates", "metrics"))
    mine, yours = _computed(before, one), _computed(before, other)
    apart = {name for name in mine.keys() | yours.keys() if mine.get(name) != yours.get(name)}
    both = bool(apart & mine.keys() and apart & yours.keys())
    gone = set()
    for name in gates.keys() | {step for step in steps if step.startswith(GATE)}:
        was, own, there = (_gate(side, name) for side in (before, one, other))
        # A verdict that only one side computed again is about what the other side computed before, or not.
        stale = own != there and ((apart & mine.keys() and there != was) or (apart & yours.keys() and own != was))
        if both or stale or {f"gates {name}", f"steps {name}"} & left_out:
            gone.add(name)
    found = []
    for section, names in (("steps", gone), ("gates", gone), ("metrics", set(metrics) if both else set())):
        for name in names & merged[section].keys():
            del merged[section][name]
            found.append(f"{section} {name}")
    return found


def _gate(side: dict[str, Any], name: str) -> Any:
    return _timeless(side.get("steps", {}).get(name)), side.get("gates", {}).get(name)


def _computed(before: dict[str, Any], side: dict[str, Any]) -> dict[str, Any]:
    """What a side computed otherwise than before, gates left out: by step, library and source."""
    found = {}
    for section in ("environment", "sources", "steps"):
        was, now = before.get(section, {}), side.get(section, {})
        for name in was.keys() | now.keys():
            pair = _timeless(was.get(name, _GONE)), _timeless(now.get(name, _GONE))
            if pair[0] != pair[1] and not name.startswith(GATE):
                found[f"{section} {name}"] = pair[1]
    return found
