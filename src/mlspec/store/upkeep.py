"""Looking after a store: finding what is damaged, removing what nobody needs."""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from mlspec.diagnostics import StepError, StoreError
from mlspec.store import action as actions
from mlspec.store import files, locks, tree
from mlspec.store.store import Store

BUSY = "a run is using the store; try again when it has ended"


class Damage(msgspec.Struct, frozen=True):
    """An entry that is not what it should be: its path in the store, and what is wrong with it."""

    entry: str
    problem: str


class Collected(msgspec.Struct, frozen=True):
    """What a collection removed: results, and the bytes that their contents took."""

    results: int
    bytes: int


def verify(store: Store) -> list[Damage]:
    """Read every entry and compare it with its digest; changes nothing. Sorted by entry."""
    found = []
    checks = {"objects": check_object, "trees": check_tree, "folders": check_folder, "actions": check_action}
    for kind, check in checks.items():
        for name in _names(store.root / kind):
            problem = check(store, name)
            if problem is not None:
                found.append(Damage(f"{kind}/{name}", problem))
    return sorted(found, key=lambda damage: damage.entry)


def collect(store: Store, keep: Collection[str], also: Sequence[Path] = ()) -> Collected:
    """Remove all results but those of these fingerprints, what is damaged, and what is in the folders ``also``.

    Raises StoreError while a run is using the store.
    """
    if not store.root.is_dir():
        return Collected(0, 0)
    with locks.alone(store.root / "lock", BUSY):
        removed = 0
        for name in _names(store.root / "actions"):
            if name not in keep or store.lookup(name) is None:
                (store.root / "actions" / name).unlink()
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
    for action in store.actions():
        needed.update(action.outputs.values())
        for name in action.folders:
            digest = action.outputs[name]
            found = tree.decode((store.root / "trees" / digest).read_bytes(), digest)
            needed.update(() if found is None else found.files.values())
    return needed


def _names(folder: Path) -> Iterator[str]:
    yield from sorted(os.listdir(folder)) if folder.is_dir() else ()


def check_object(store: Store, name: str) -> str | None:
    """What is wrong with an object; None if nothing is."""
    path = store.root / "objects" / name
    try:
        with path.open("rb") as file:
            return None if hashlib.file_digest(file, "sha256").hexdigest() == name else "is damaged"
    except OSError as error:
        return f"can't be read: {error.strerror}"


def check_tree(store: Store, name: str) -> str | None:
    """What is wrong with a tree; None if nothing is."""
    try:
        found = tree.decode((store.root / "trees" / name).read_bytes(), name)
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
        wanted = tree.decode((store.root / "trees" / name).read_bytes(), name)
        if wanted is None or tree.listing(folder) != (sorted(wanted.files), sorted(wanted.empty)):
            return "is not the folder that it was"
        for path, digest in wanted.files.items():
            with (folder / path).open("rb") as file:
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
        action = actions.decode((store.root / "actions" / name).read_bytes(), name)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except StoreError:
        return "is damaged"
    for output, digest in action.outputs.items():
        if not (store.root / ("trees" if output in action.folders else "objects") / digest).exists():
            return f"lacks its output '{output}'"
    return None
