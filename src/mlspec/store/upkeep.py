"""Maintenance of a store: finding what is damaged, removing what is not needed."""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from mlspec.diagnostics import StepError, StoreError
from mlspec.machine import safe_files, seals
from mlspec.store import action as actions
from mlspec.store import files, locks, tree
from mlspec.store.store import Store

BUSY = "a run or a check is using the store; try again when it has finished"
ELSEWHERE = "was computed elsewhere"


class Damage(msgspec.Struct, frozen=True):
    """An entry that is not what it should be: its path in the store, and what is wrong with it."""

    entry: str
    problem: str


class Collected(msgspec.Struct, frozen=True):
    """What a collection removed: results, and the bytes that their contents took."""

    results: int
    bytes: int


class Inspected(msgspec.Struct, frozen=True):
    """What is not as it should be, by entry; how many results there are, and the bytes that their contents take."""

    damaged: tuple[Damage, ...]
    results: int
    bytes: int


def verify(store: Store) -> list[Damage]:
    """What is not as it should be, as ``inspect`` finds it."""
    return list(inspect(store).damaged)


def inspect(store: Store) -> Inspected:
    """Read every entry and compare it with its digest; changes nothing. A collection waits meanwhile: what it removes
    would look like damage."""
    found = []
    checks = {"objects": check_object, "trees": check_tree, "folders": check_folder, "actions": check_action}
    with locks.reading(store.root / "lock"):
        for kind, check in checks.items():
            for name in _names(store.root / kind):
                problem = check(store, name)
                if problem is not None:
                    found.append(Damage(f"{kind}/{name}", problem))
        found.sort(key=lambda damage: damage.entry)
        return Inspected(tuple(found), sum(1 for _action in store.actions()), size(store))


def collect(store: Store, keep: Collection[str], also: Sequence[Path] = ()) -> Collected:
    """Remove all results but those of these fingerprints, what is damaged, and what is in the folders ``also``.

    Raises StoreError while a run is using the store.
    """
    if not store.root.is_dir():
        return Collected(0, 0)
    with locks.alone(store.root / "lock", BUSY):
        removed = 0
        for name in _names(store.root / "actions"):
            if name not in keep or store.read(name) is None:
                files.remove(store.root / "actions" / name)
                removed += 1
        # Contents go after the actions that name them: a kill in between leaves garbage, never a hole.
        if removed:
            files.sync_folder(store.root / "actions")
        needed = _needed(store)
        freed = 0
        aside = store.root / "tmp"
        aside.mkdir(exist_ok=True)
        for kind in ("folders", "trees", "objects"):
            for name in _names(store.root / kind):
                if name not in needed:
                    path = store.root / kind / name
                    freed += path.stat().st_size if kind == "objects" else 0
                    if kind == "folders":
                        # Gone at once, not file by file: half of one would count as damage.
                        files.remove(aside / name)
                        path = path.rename(aside / name)
                    files.remove(path)
        for folder in (store.root / "locks", store.root / "tmp", *also):
            for name in _names(folder):
                files.remove(folder / name)
    return Collected(removed, freed)


def size(store: Store) -> int:
    """The bytes that all contents take."""
    return sum((store.root / "objects" / name).stat().st_size for name in _names(store.root / "objects"))


def _needed(store: Store) -> set[str]:
    needed: set[str] = set()
    for fingerprint in _names(store.root / "actions"):
        action, _here = store.read(fingerprint) or (None, False)
        if action is None:
            continue
        needed.update(action.outputs.values())
        for name in action.folders:
            digest = action.outputs[name]
            found = tree.decode(safe_files.read(store.root / "trees" / digest), digest)
            needed.update(() if found is None else found.files.values())
    return needed


def _names(folder: Path) -> Iterator[str]:
    yield from sorted(os.listdir(folder)) if folder.is_dir() else ()


def check_object(store: Store, name: str) -> str | None:
    """What is wrong with an object; None if nothing is."""
    path = store.root / "objects" / name
    try:
        with safe_files.opened(path) as file:
            return None if hashlib.file_digest(file, "sha256").hexdigest() == name else "is damaged"
    except OSError as error:
        return f"can't be read: {error.strerror}"


def check_tree(store: Store, name: str) -> str | None:
    """What is wrong with a tree; None if nothing is."""
    try:
        found = tree.decode(safe_files.read(store.root / "trees" / name), name)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if found is None:
        return "is damaged"
    lost = [path for path, digest in found.files.items() if not (store.root / "objects" / digest).exists()]
    return f"lacks the content of '{lost[0]}'" if lost else None


def check_folder(store: Store, name: str) -> str | None:
    """What is wrong with a laid out folder; None if nothing is."""
    folder = store.root / "folders" / name
    try:
        wanted = tree.decode(safe_files.read(store.root / "trees" / name), name)
        if wanted is None or tree.listing(folder) != (sorted(wanted.files), sorted(wanted.empty)):
            return "was replaced by another folder"
        for path, digest in wanted.files.items():
            with safe_files.opened(folder / path) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return f"has a damaged file '{path}'"
    except FileNotFoundError:
        return "belongs to nothing"
    except (OSError, StepError):
        return "can't be read"
    return None


def check_action(store: Store, name: str) -> str | None:
    """What is wrong with an action; None if nothing is."""
    try:
        stored = safe_files.read(store.root / "actions" / name)
        content = seals.opened(stored, store.key())
        action = actions.decode(actions.unsealed(stored) if content is None else content, name)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except StoreError:
        return "is damaged"
    for output, digest in action.outputs.items():
        if not (store.root / ("trees" if output in action.folders else "objects") / digest).exists():
            return f"lacks its output '{output}'"
    return None if content is not None else ELSEWHERE
