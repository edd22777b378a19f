"""What a spec means, a line a value: what git compares where mlspec is its diff driver for specs."""

from collections.abc import Iterator

import msgspec

from mlspec.diff.compare import shown
from mlspec.diff.meaning import NAME, ORDER, Meaning, text
from mlspec.diff.show import words


def lines(meaning: Meaning) -> str:
    """The lines, sorted; what says no more than a default says is left out."""
    return "".join(f"{line}\n" for line in _lines(meaning))


def _lines(meaning: Meaning) -> Iterator[str]:
    for key, entity in meaning.entities.items():
        if all(inner in meaning.entities for inner in meaning.members[key]):
            yield f"{text(key)}: {entity.kind}"
    for key, leaf in sorted(meaning.leaves.items(), key=lambda pair: text(pair[0])):
        if leaf.value is None or (leaf.default is not msgspec.UNSET and leaf.value == leaf.default):
            continue
        if key[-1] == ORDER:
            if len(leaf.value) > 1:
                yield f"{text(key[:-1])} (order): {' '.join(leaf.value)}"
            continue
        place = text(key[:-1]) if key[-1] == NAME else text(key)
        yield f"{place}: {words.value(shown(leaf), 10_000)}"
