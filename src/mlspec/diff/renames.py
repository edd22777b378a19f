"""Candidates and sources that kept what they say under another name."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from mlspec.diff.meaning import Entity, Key, Leaf, Meaning

RENAMABLE = frozenset({"model.candidates.*", "data.sources.*"})
ALIKE = 0.75

MOST_PAIRS, MOST_ALIKE = 2_500, 50

Said = dict[Key, object]
Renamed = Sequence[tuple[Key, Key]]


def find(base: Meaning, head: Meaning) -> list[tuple[Key, Key]]:
    """Pairs of an entry that is gone and one that is new and says (nearly) the same, the most alike first."""
    gone = {key: _says(base, key) for key, entity in base.entities.items() if _is(entity) and key not in head.entities}
    new = {key: _says(head, key) for key, entity in head.entities.items() if _is(entity) and key not in base.entities}
    pairs = []
    for old, now in _candidates(gone, new):
        alike = _alike(gone[old], new[now])
        if base.entities[old].pattern == head.entities[now].pattern and alike >= ALIKE:
            # The same order whichever side is called the base.
            pairs.append((-alike, sorted((old, now)), old, now))
    taken: set[Key] = set()
    found = []
    for _alikeness, _names, old, now in sorted(pairs, key=lambda pair: pair[:2]):
        if old not in taken and now not in taken:
            taken |= {old, now}
            found.append((old, now))
    return found


def under_new_names(base: Meaning, renamed: Renamed) -> Meaning:
    """The base as if its entries had been called what they are called now."""
    if not renamed:
        return base
    names = dict(renamed)
    names |= {("tuning", old[-1]): ("tuning", new[-1]) for old, new in renamed if old[0] == "model"}

    def moved(key: Key) -> Key:
        for length in (2, 3):
            if key[:length] in names:
                return (*names[key[:length]], *key[length:])
        return key

    leaves: dict[Key, Leaf] = {moved(key): leaf for key, leaf in base.leaves.items()}
    entities: dict[Key, Entity] = {moved(key): entity for key, entity in base.entities.items()}
    return replace(base, leaves=leaves, entities=entities)


def _is(entity: Entity) -> bool:
    return entity.pattern in RENAMABLE


def _candidates(gone: dict[Key, Said], new: dict[Key, Said]) -> Iterator[tuple[Key, Key]]:
    """The pairs that are worth a look: all of a few; of many, those that say exactly the same."""
    if len(gone) * len(new) <= MOST_PAIRS:
        yield from ((old, now) for old in gone for now in new)
        return
    by_content: dict[str, list[Key]] = {}
    for now, said in new.items():
        by_content.setdefault(repr(sorted(said.items(), key=repr)), []).append(now)
    for old, said in gone.items():
        yield from ((old, now) for now in by_content.get(repr(sorted(said.items(), key=repr)), [])[:MOST_ALIKE])


def _says(meaning: Meaning, key: Key) -> Said:
    return {inner[len(key) :]: meaning.leaves[inner].value for inner in meaning.members[key] if inner in meaning.leaves}


def _alike(one: Said, other: Said) -> float:
    """The share of values that both have; another plug-in, or another file, is another thing."""
    choice = [key for key in one if key[-1] in ("type", "format", "path")]
    if any(one[key] != other.get(key) for key in choice):
        return 0.0
    same = sum(key in other and repr(other[key]) == repr(value) for key, value in one.items())
    return same / max(len(one), len(other), 1)
