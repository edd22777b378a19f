"""Did you mean: the nearest of what there is."""

import unicodedata
from collections.abc import Iterable
from typing import Any

CUTOFF = 0.6
# Comparing takes the time of both lengths for each name: of many names only the most similar ones are compared.
LONGEST, MANY, MOST, LIKELIEST, LISTED = 100, 200, 1_000, 20, 50


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a slip most likely meant, or None where none is near."""
    names = list(known)
    meant = _folded(word)
    same = next((name for name in names if _folded(name) == meant), None)
    if same is not None:
        return same
    if len(names) > MANY:
        import heapq

        names = heapq.nlargest(LIKELIEST, names[:MOST], key=lambda name: _ends_alike(word, name))
    if len(word) > LONGEST or not any(_may_be_near(word, name) for name in names):
        return None
    import difflib

    found = difflib.get_close_matches(word, names, n=1, cutoff=CUTOFF)
    return found[0] if found else None


def name(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` of the name of a column, or empty where none is near."""
    guess = nearest(word, known)
    if guess is None:
        return ""
    if unicodedata.normalize("NFC", guess) == unicodedata.normalize("NFC", word):
        return f"'{guess}' has the same letters in another Unicode form: copy it from here"
    return f"did you mean '{guess}'?"


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


def label(value: Any, known: Iterable[Any]) -> str:
    """``did you mean 'x'?``, or the list of what is allowed."""
    names = [str(k) for k in known]
    guess = nearest(str(value), names)
    more = ", ..." if len(names) > LISTED else ""
    return f"did you mean '{guess}'?" if guess else f"one of {', '.join(names[:LISTED])}{more}"
