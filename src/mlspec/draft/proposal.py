"""A proposed spec as plain values with comments, and what is taken out of one that fails."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mlspec.document import Path
from mlspec.draft import text
from mlspec.spec.model import PORTFOLIO

OF_SEVERAL = ("ensemble", "final", "time")  # what becomes of several candidates
TRIED = 60  # so many features tell whether a spec works, in seconds


class Proposal(Struct, frozen=True, kw_only=True):
    """The spec; ``comments`` follow the line of their place, the lines of ``above`` stand before it. ``features``: the
    columns that are left as such, those with a preparation of their own first; ``found``: how the file is read."""

    spec: dict[str, Any]
    features: tuple[str, ...]
    comments: Mapping[Path, str] = {}
    above: Mapping[Path, tuple[str, ...]] = {}
    found: tuple[str, ...] = ()

    def written(self) -> "text.Written":
        """The proposal as YAML."""
        return text.written(self.spec, self.comments, self.above)

    def tried(self, path: str) -> "Proposal":
        """The same for a trial: its source is read from another path, and only the first candidate competes, on some of
        many features."""
        ((name, source),) = self.spec["data"]["sources"].items()
        data = {**self.spec["data"], "sources": {name: {**source, "path": path}}}
        stated = self.spec["model"]["candidates"]
        first, use = next(iter((PORTFOLIO[stated] if isinstance(stated, str) else stated).items()))
        shared = {key: value for key, value in self.spec["model"].items() if key not in OF_SEVERAL}
        model = {**shared, "candidates": {first: use}}
        quick = dict(self.spec["profiles"]["quick"])
        fewer = {key: value for key, value in quick.pop("model", {}).items() if key not in ("candidates", "time")}
        quick |= {"model": fewer} if fewer else {}
        if len(self.features) > TRIED:
            data["columns"] = {**data["columns"], "features": list(self.features[:TRIED])}
        return replace(self, spec={**self.spec, "data": data, "model": model, "profiles": {"quick": quick}})


ENTRIES: tuple[Path, ...] = (
    ("data", "expect"),
    ("data", "personal"),
    ("preprocessing", "columns"),
    ("data", "columns"),
)
REPAIRS: tuple[Path, ...] = (
    ("model", "cross_validation"),
    ("model", "final"),
    ("preprocessing",),
    ("data", "derive"),
    ("data", "personal"),
    ("data", "columns", "transform"),
    ("data", "split"),
)
"""What is replaced by the language's default, in this order, where a failure names no place that can be."""


def without(proposal: Proposal, at: Path) -> "tuple[Proposal, str] | None":
    """The proposal without the part that fails, and what was taken out; None if nothing is left to take out."""
    for wanted in (at, *REPAIRS):
        place = _removable(proposal.spec, wanted)
        if place is not None:
            return _removed(proposal, place), ".".join(str(part) for part in place[:4])
    return None


def _removable(spec: Mapping[str, Any], at: Path) -> Path | None:
    """The part that a place is in, if it is one that a spec can be without, and this one has."""
    length = 4 if at[1:3] == ("columns", "types") else 3 if at[:2] in ENTRIES else 2
    place = at[:length]
    allowed = place[:2] in (*ENTRIES[:3], *REPAIRS)
    allowed |= place == ("preprocessing",) or place[:3] in (
        ("data", "columns", "types"),
        ("data", "columns", "transform"),
    )
    if not allowed or (place == ("data", "split") and spec["data"].get("split") in _plain_splits()):
        return None
    inner: Any = spec
    for part in place:
        try:
            inner = inner[part]
        except (KeyError, IndexError, TypeError):
            return None
    return place


def _plain_splits() -> tuple[dict[str, Any], ...]:
    plain: dict[str, Any] = {"test": 0.2, "validation": 0.1, "seed": 0}
    return ({"by": "random", **plain}, {"by": "stratified", **plain})


def _removed(proposal: Proposal, place: Path) -> Proposal:
    comments, above = dict(proposal.comments), dict(proposal.above)
    if place == ("data", "split"):
        kind = proposal.spec["project"]["task"]
        plain = _plain_splits()[0 if kind == "regression" else 1]
        data = {**proposal.spec["data"], "split": plain}
        comments.pop(place, None)
        above.pop(place, None)
        return replace(proposal, spec={**proposal.spec, "data": data}, comments=comments, above=above)
    spec = _less(proposal.spec, place)
    return replace(proposal, spec=spec, comments=_moved(comments, place), above=_moved(above, place))


def _less(value: Any, place: Path) -> Any:
    """A value without what is at a place; mappings and lists that are empty then are gone too."""
    first, rest = place[0], place[1:]
    if isinstance(value, list):
        at = int(first)
        inner = [_less(value[at], rest)] if rest else []
        return [*value[:at], *inner, *value[at + 1 :]]
    left = dict(value)
    if rest:
        left[first] = _less(value[first], rest)
    if not rest or left[first] in ({}, []):
        del left[first]
    return left


def _moved(notes: Mapping[Path, Any], place: Path) -> dict[Path, Any]:
    """Comments without those of a place, those of later entries of a list moved up."""
    kept = {}
    *start, last = place
    for at, note in notes.items():
        if at[: len(place)] == place:
            continue
        key = at[len(start)] if len(at) > len(start) and list(at[: len(start)]) == start else None
        moves = isinstance(last, int) and isinstance(key, int) and key > last
        kept[(*start, int(key) - 1, *at[len(place) :]) if moves and key is not None else at] = note
    return kept
