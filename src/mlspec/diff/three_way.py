"""What two edits of one spec say together, by key: nothing that either side said is missing, or it is a clash."""

import graphlib
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import msgspec
from msgspec import Struct

from mlspec.diff.meaning import ORDER, Key
from mlspec.diff.said import BESIDE, THERE, Said
from mlspec.graph.fingerprint import canonical

Side = Literal["ours", "theirs"]
MOST_ORDERED = 300
Comments = dict[Key, tuple[str, ...]]


class Three(Struct, frozen=True):
    """The common version of a spec and its two edits."""

    base: Said
    ours: Said
    theirs: Said


class Together(Struct, frozen=True):
    """What both sides say together. ``clashes``: keys that both changed, each differently, the whole entity where one
    removed or replaced it. ``values`` and ``comments``: with the side's own at each clash. ``orders``: of the lists
    whose order means something, what has to be before what."""

    clashes: tuple[Key, ...]
    values: dict[Side, dict[Key, bytes]]
    comments: dict[Side, Comments]
    orders: dict[Key, frozenset[tuple[str, str]]]


def together(three: Three) -> Together:
    """The merge of what three texts say."""
    whole = _whole(three)
    clashes = list(whole)
    values: dict[Side, dict[Key, bytes]] = {"ours": {}, "theirs": {}}
    orders: dict[Key, frozenset[tuple[str, str]]] = {}
    base, ours, theirs = (side.values for side in (three.base, three.ours, three.theirs))
    for key in dict.fromkeys((*base, *ours, *theirs)):
        before, own, other = base.get(key), ours.get(key), theirs.get(key)
        if key[-1] == ORDER and _under(key, whole):
            continue
        if key[-1] == ORDER:
            found = _order(*(_names(value) for value in (before, own, other)))
            if found is None:
                clashes.append(key)
            else:
                orders[key] = found
            continue
        if _under(key, whole):
            merged: tuple[bytes | None, bytes | None] = own, other
        elif own in (before, other):
            merged = other, other
        elif other == before:
            merged = own, own
        elif any(side.is_set(key) for side in (three.ours, three.theirs)):
            merged = (_set(before, own, other),) * 2
        else:
            clashes.append(key)
            merged = own, other
        _put(values, key, merged)
    comments, more = _comments(three, whole)
    return Together(tuple(clashes + more), values, comments, orders)


def missing(found: Said, wanted: Together, side: Side, three: Three) -> Key | None:
    """The first key at which a text does not say what it should, None where it says all of it and nothing else."""
    values = {key: value for key, value in found.values.items() if key[-1] != ORDER}
    if values != wanted.values[side]:
        return next(k for k in (*wanted.values[side], *values) if values.get(k) != wanted.values[side].get(k))
    for key, before in wanted.orders.items():
        place = {name: index for index, name in enumerate(_names(found.values.get(key)))}
        if any(one in place and other in place and place[one] > place[other] for one, other in before):
            return key
    return _missing_comment(found, wanted, side, three)


def _missing_comment(found: Said, wanted: Together, side: Side, three: Three) -> Key | None:
    """A comment may be where either side has it, as long as there are as many as there should be."""
    expected = wanted.comments[side]
    differ = [
        key
        for key in dict.fromkeys((*expected, *found.comments))
        if Counter(expected.get(key, ())) != Counter(found.comments.get(key, ()))
    ]
    if not differ:
        return None
    lacking, surplus = Counter[str](), Counter[str]()
    for key in differ:
        here, there = Counter(found.comments.get(key, ())), Counter(expected.get(key, ()))
        lacking += there - here
        surplus += here - there
        sides = Counter(three.ours.comments.get(key, ())) | Counter(three.theirs.comments.get(key, ()))
        if here - there - sides:
            return key
    counts = [_counts(one) for one in (three.base, three.ours, three.theirs, found)]
    return differ[0] if any(len({one[text] for one in counts}) > 1 for text in lacking | surplus) else None


def _counts(of: Said) -> Counter[str]:
    return Counter(line for lines in of.comments.values() for line in lines)


def _put(into: dict[Side, dict[Key, bytes]], key: Key, values: tuple[bytes | None, bytes | None]) -> None:
    sides: tuple[Side, Side] = ("ours", "theirs")
    for side, value in zip(sides, values, strict=True):
        if value is not None:
            into[side][key] = value


def _under(key: Key, whole: Iterable[Key]) -> bool:
    return bool(whole) and any(key[:end] in whole for end in range(1, len(key) + 1))


def _whole(three: Three) -> dict[Key, None]:
    """What one side removed or replaced while the other changed something in it or a comment on it, and entities that
    both made differently."""
    base, ours, theirs = three.base, three.ours, three.theirs
    mine, yours, apart = _touched(base, ours), _touched(base, theirs), _touched(ours, theirs)
    found: dict[Key, None] = {}
    for key in sorted(mine & yours & apart, key=len):
        if _under(key, found):
            continue
        sides = [side.values.get(key) for side in (base, ours, theirs)]
        gone = THERE in sides and len(set(sides)) > 1 and (sides[0] is not None or None not in sides)
        choice = next((side.choices[key] for side in (ours, theirs, base) if key in side.choices), None)
        if gone or (choice is not None and len({side.values.get(choice) for side in (base, ours, theirs)}) > 1):
            found[key] = None
    for note in base.comments.keys() | ours.comments.keys() | theirs.comments.keys():
        key = note[:-1]
        before, own, other = (side.comments.get(note) for side in (base, ours, theirs))
        gone = (own != before and not theirs.states(key)) or (other != before and not ours.states(key))
        if gone and own != other and base.states(key) and not _under(key, found):
            found[key] = None
    return found


def _touched(one: Said, other: Said) -> set[Key]:
    """All keys of what differs, and of what it is in."""
    differ = {key for key in one.values.keys() | other.values.keys() if one.values.get(key) != other.values.get(key)}
    for key in one.comments.keys() | other.comments.keys():
        if Counter(one.comments.get(key, ())) != Counter(other.comments.get(key, ())):
            differ.add(key)
    return {key[:end] for key in differ for end in range(1, len(key) + 1)}


def _set(before: bytes | None, own: bytes | None, other: bytes | None) -> bytes:
    """A set with what each side put in and took out."""
    was, mine, yours = (set(_plain(value)) for value in (before, own, other))
    return canonical(sorted((mine & yours) | (mine - was) | (yours - was)))


def _plain(value: bytes | None) -> list[str]:
    found = None if not value else msgspec.json.decode(value)
    return [str(item) for item in found] if isinstance(found, list) else []


def _names(value: bytes | None) -> list[str]:
    return _plain(value)


def _order(before: list[str], own: list[str], other: list[str]) -> frozenset[tuple[str, str]] | None:
    """What has to be before what: two entries as the side has them that changed their order, or added one of them; None
    where no list has such an order."""
    if own in (before, other) or other == before:
        return _pairs(other if own == before else own)
    if max(len(before), len(own), len(other)) > MOST_ORDERED:
        return None
    was, mine, yours = (_pairs(names) for names in (before, own, other))
    wanted, every = set(), mine | yours
    for one, after in every:
        # A pair that only one of the sides has in this order: it is the change of one of them.
        if (after, one) in every and (one, after) in was:
            continue
        wanted.add((one, after))
    followers: dict[str, set[str]] = {name: set() for name in (*own, *other)}
    for one, after in wanted:
        followers[after].add(one)
    try:
        graphlib.TopologicalSorter(followers).prepare()
    except graphlib.CycleError:
        return None
    return frozenset(wanted)


def _pairs(names: list[str]) -> frozenset[tuple[str, str]]:
    if len(names) > MOST_ORDERED:
        return frozenset(pairwise(names))
    return frozenset((one, after) for index, one in enumerate(names) for after in names[index + 1 :])


def _comments(three: Three, whole: dict[Key, None]) -> tuple[dict[Side, Comments], list[Key]]:
    base, ours, theirs = (side.comments for side in (three.base, three.ours, three.theirs))
    found: dict[Side, Comments] = {"ours": {}, "theirs": {}}
    clashes = []
    for key in dict.fromkeys((*base, *ours, *theirs)):
        before, own, other = base.get(key, ()), ours.get(key, ()), theirs.get(key, ())
        if _under(key[:-1], whole):
            merged = own, other
        elif own in (before, other):
            merged = other, other
        elif other == before:
            merged = own, own
        else:
            lines = None if key[-1] == BESIDE else _lines(Counter(before), Counter(own), Counter(other))
            if lines is None:
                clashes.append(key)
            merged = (own, other) if lines is None else (lines, lines)
        for side, value in zip(("ours", "theirs"), merged, strict=True):
            if value:
                found[side][key] = value  # type: ignore[index]
    # A comment that one side moved (what is below it moved) and the other deleted.
    counts = [_counts(side) for side in (three.base, three.ours, three.theirs)]
    for key, kept in found["ours"].items():
        for line in set(kept) - set(base.get(key, ())):
            was, now, there = (count[line] for count in counts)
            if min(now, there) < was == max(now, there) and key not in clashes and not _under(key[:-1], whole):
                clashes.append(key)
    return found, clashes


def _lines(before: Counter[str], own: Counter[str], other: Counter[str]) -> tuple[str, ...] | None:
    """The lines of a comment with what each side put in and took out; None where both rewrote the same line."""
    gone, came = ((before - own), (before - other)), ((own - before), (other - before))
    if gone[0] & gone[1] and came[0] != came[1]:
        return None
    return tuple((((before - gone[0]) - (gone[1] - gone[0])) + (came[0] | came[1])).elements())
