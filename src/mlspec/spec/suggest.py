"""Did you mean: the nearest of what there is."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from mlspec.diagnostics import Hint
from mlspec.edits import written

CUTOFF = 0.6
ABOUT, MOST_NEAR = 0.1, 3  # what is so little further away may as well have been meant
# Comparing takes the time of both lengths for each name: of many names only the most similar ones are compared.
LONGEST, MANY, MOST, LIKELIEST, LISTED = 100, 200, 1_000, 20, 50


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a slip most likely meant, or None where none is near."""
    return next(iter(near(word, known)), None)


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """The known words that a slip may have meant, the nearest first: those that are about as near as it."""
    names = list(dict.fromkeys(known))
    meant = _folded(word)
    same = next((name for name in names if _folded(name) == meant), None)
    if same is not None:
        return (same,)
    if len(names) > MANY:
        import heapq

        names = heapq.nlargest(LIKELIEST, names[:MOST], key=lambda name: _ends_alike(word, name))
    if len(word) > LONGEST or not any(_may_be_near(word, name) for name in names):
        return ()
    import difflib

    found = difflib.get_close_matches(word, names, n=MOST_NEAR, cutoff=CUTOFF)
    matcher = difflib.SequenceMatcher()
    matcher.set_seq2(word)
    ratios: list[float] = []
    for one in found:
        matcher.set_seq1(one)
        ratios.append(matcher.ratio())
    return tuple(one for one, ratio in zip(found, ratios, strict=True) if ratio >= ratios[0] - ABOUT)


def name(word: str, known: Iterable[str]) -> Hint:
    """``did you mean 'x'?`` of the name of a column, or empty where none is near."""
    found = near(word, known)
    if found and unicodedata.normalize("NFC", found[0]) == unicodedata.normalize("NFC", word):
        text = f"'{found[0]}' has the same letters in another Unicode form: copy it from here"
        return Hint(text, (written(found[0]),))
    return meant(found)


def meant(found: Sequence[str]) -> Hint:
    """``did you mean 'x'?`` of what may have been meant, the nearest first; empty of nothing."""
    return Hint(f"did you mean '{found[0]}'?" if found else "", tuple(map(written, found)))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower().replace("-", "_")


def _ends_alike(word: str, name: str) -> int:
    """How many letters at the beginning and at the end are the same."""
    ahead = next((i for i, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), len(name))
    behind = zip(reversed(word), reversed(name), strict=False)
    return ahead + next((i for i, (one, other) in enumerate(behind) if one != other), len(name))


def _may_be_near(word: str, name: str) -> bool:
    """Whether the letters that both have are enough; spares importing difflib for what can't match."""
    common = sum(min(word.count(letter), name.count(letter)) for letter in set(word))
    return 2 * common >= CUTOFF * (len(word) + len(name))


def label(value: Any, known: Iterable[Any]) -> Hint:
    """``did you mean 'x'?``, or the list of what is allowed."""
    values = {str(one): one for one in known}
    names = list(values)
    found = near(str(value), names)
    if found and not isinstance(values[found[0]], str):
        return Hint(f"did you mean '{found[0]}'?", (found[0].lower(),))
    more = ", ..." if len(names) > LISTED else ""
    return meant(found) if found else Hint(f"one of {', '.join(names[:LISTED])}{more}")
