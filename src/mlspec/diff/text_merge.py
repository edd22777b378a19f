"""Two edits of a text joined: by lines, and where both changed the same lines, by words. Neither side's edit is lost;
whether the result says what it should is for its reader to check."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

OURS, THEIRS = "ours", "theirs"
MOST_PAIRS = 2_000_000  # of equal lines or words, which comparing them takes time for
_WORD = re.compile(r"[\w.]+|[^\S\n]+|.|\n")


class Part(NamedTuple):
    """A stretch of the joined text as each side would have it; equal where they agree."""

    ours: str
    theirs: str


class _Hunk(NamedTuple):
    low: int
    high: int
    start: int
    end: int


def joined(base: str, ours: str, theirs: str, *, ours_first: bool = True) -> list[Part] | None:
    """The edits of both sides in one text, in parts that differ where both changed the same words. What both put in at
    the same place is there one after the other. None where comparing would take too long."""
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    parts = _joined(lines, ours_first=ours_first, by_words=False)
    if parts is None:
        return None
    found: list[Part] = []
    for part in parts:
        if not isinstance(part, tuple):
            found.append(Part(part, part))
            continue
        inner = _joined([_WORD.findall(text) for text in part], ours_first=ours_first, by_words=True)
        if inner is None:
            found.append(Part(part[1], part[2]))
            continue
        sides = ["".join(one if isinstance(one, str) else one[at] for one in inner) for at in (1, 2)]
        found.append(Part(*sides))
    return found


def one_side(parts: Sequence[Part], side: int) -> str:
    """The text in which a side (0: ours, 1: theirs) has its way where they differ."""
    return "".join(part[side] for part in parts)


def marked(ours: str, theirs: str) -> str:
    """Two texts as one, git's conflict markers around the lines that differ."""
    one, other = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    hunks = _hunks(one, other)
    if hunks is None:
        hunks = [_Hunk(0, len(one), 0, len(other))]
    made: list[str] = []
    at = 0
    for hunk in hunks:
        made += one[at : hunk.low]
        made += [f"<<<<<<< {OURS}\n", *_ended(one[hunk.low : hunk.high]), "=======\n"]
        made += [*_ended(other[hunk.start : hunk.end]), f">>>>>>> {THEIRS}\n"]
        at = hunk.high
    return "".join((*made, *one[at:]))


def _ended(lines: list[str]) -> list[str]:
    """Lines of which the last ends too: a marker has a line of its own."""
    return [*lines[:-1], lines[-1] if lines[-1].endswith("\n") else f"{lines[-1]}\n"] if lines else []


def _joined(texts: Sequence[list[str]], *, ours_first: bool, by_words: bool) -> list[str | tuple[str, str, str]] | None:
    """Text, or what base, ours and theirs have where both changed the same."""
    base, ours, theirs = texts
    mine, yours = _hunks(base, ours), _hunks(base, theirs)
    if mine is None or yours is None:
        return None
    found: list[str | tuple[str, str, str]] = []
    at = 0
    for low, high, own, other in _groups(mine, yours):
        found.append("".join(base[at:low]))
        at = high
        one, two = _side(ours, own, low, high), _side(theirs, other, low, high)
        if not other or one == two:
            found.append(one)
        elif not own:
            found.append(two)
        elif low == high and not (by_words and _are_parts_of_one(base, low)):
            found.append(one + two if ours_first else two + one)
        else:
            found.append(("".join(base[low:high]), one, two))
    found.append("".join(base[at:]))
    return found


def _are_parts_of_one(base: list[str], at: int) -> bool:
    """Whether words were put in between two words that are written together."""
    return 0 < at < len(base) and (base[at - 1] + base[at]).replace("_", "").isalnum()


def _groups(mine: list[_Hunk], yours: list[_Hunk]) -> Iterator[tuple[int, int, list[_Hunk], list[_Hunk]]]:
    """Hunks that touch the same of the base, together; what only ends where another begins is apart."""
    rest = sorted([(hunk, 0) for hunk in mine] + [(hunk, 1) for hunk in yours], key=lambda one: one[0][:2])
    index = 0
    while index < len(rest):
        low, high = rest[index][0][:2]
        sides: tuple[list[_Hunk], list[_Hunk]] = ([], [])
        while index < len(rest):
            hunk, side = rest[index]
            apart = hunk.low >= high and not (low == high == hunk.low == hunk.high)
            if (sides[0] or sides[1]) and apart:
                break
            sides[side].append(hunk)
            high = max(high, hunk.high)
            index += 1
        yield low, high, *sides


def _side(lines: list[str], hunks: list[_Hunk], low: int, high: int) -> str:
    """What a side has between two places of the base."""
    if not hunks:
        return ""
    start, end = hunks[0].start - (hunks[0].low - low), hunks[-1].end + (high - hunks[-1].high)
    return "".join(lines[start:end])


def _hunks(base: list[str], other: list[str]) -> list[_Hunk] | None:
    """Where two sequences differ; None where comparing would take too long."""
    from difflib import SequenceMatcher

    low, most = 0, min(len(base), len(other))
    while low < most and base[low] == other[low]:
        low += 1
    tail = 0
    while tail < most - low and base[-1 - tail] == other[-1 - tail]:
        tail += 1
    one, two = base[low : len(base) - tail], other[low : len(other) - tail]
    counts = Counter(one)
    if sum(counts[word] for word in two) > MOST_PAIRS or len(one) * len(two) > 100 * MOST_PAIRS:
        return None
    codes = SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    return [_Hunk(a + low, b + low, c + low, d + low) for tag, a, b, c, d in codes if tag != "equal"]
