"""Did you mean: the nearest of what there is."""

from collections.abc import Iterable
from typing import Any


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a slip most likely meant, or None where none is near."""
    import difflib

    names = list(known)
    folded = {name.lower().replace("-", "_"): name for name in names}
    if word.lower().replace("-", "_") in folded:
        return folded[word.lower().replace("-", "_")]
    found = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return found[0] if found else None


def label(value: Any, known: Iterable[Any]) -> str:
    """``did you mean 'x'?``, or the list of what is allowed."""
    names = [str(k) for k in known]
    guess = nearest(str(value), names)
    return f"did you mean '{guess}'?" if guess else f"one of {', '.join(names)}"
