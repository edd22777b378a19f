"""What is removed once a run has succeeded: the folders of runs that need not stay, and the results that they alone
hold. Whatever moment it is killed at, a run is there with its folder, or is not."""

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mlspec import paths
from mlspec.diagnostics import StoreError
from mlspec.engine.run import lockfile, run_record
from mlspec.machine import json_values, safe_files
from mlspec.store import files, locks, upkeep
from mlspec.store.store import Store
from mlspec.store.upkeep import Collected

REMOVING = "removing"
LARGEST_LOG = 1 << 30
NOTHING = Collected(0, 0)


class _Made(msgspec.Struct):
    """The part of an event that concerns a result."""

    fingerprint: str | None = None


def prune(root: Path, runs: int | None, seconds: float | None, home: Path | None = None) -> Collected:
    """Keep the last ``runs`` runs, or those of the last ``seconds``, the last that succeeded in any case; remove the
    others with what they alone hold. While another run goes on nothing is removed."""
    home = home or paths.home(root)
    paths.demand_no_links(home)
    folders = run_record.folders(home)
    old = _old(folders, runs, seconds)
    aside = home / REMOVING
    if not old and not aside.exists():
        return NOTHING
    store = Store(paths.store(home))
    try:
        with locks.alone(store.root / "lock", upkeep.BUSY):
            aside.mkdir(exist_ok=True)
            for folder in old:
                # Gone at once; what takes long is removed under another name.
                files.remove(aside / folder.name)
                folder.rename(aside / folder.name)
            files.sync_folder(paths.runs(home))
            files.remove(aside)
        return upkeep.collect(store, needed(root, [folder for folder in folders if folder not in old]))
    except StoreError:
        return NOTHING


def needed(root: Path, folders: list[Path]) -> set[str]:
    """The fingerprints of all that these runs, ended or not, and ``mlspec.lock`` hold."""
    found: set[str] = set()
    for folder in folders:
        try:
            found.update(step.fingerprint or "" for step in run_record.read(folder).steps.values())
        except StoreError:
            found.update(_text(folder / run_record.EVENTS))
    locked = lockfile.read(lockfile.beside(root))
    if locked is not None:
        found.update(step.fingerprint for step in locked.steps.values())
    return found


def _old(folders: list[Path], runs: int | None, seconds: float | None) -> list[Path]:
    """Those that need not stay, of the latest first."""
    if seconds is None:
        beyond = folders[runs or 1 :]
    else:
        # A run is called by the moment that it began at.
        first = f"{datetime.fromtimestamp(time.time() - seconds, UTC):%Y%m%dT%H%M%S}"
        beyond = [folder for folder in folders if folder.name < first]
    last = next((folder for folder in folders if _succeeded(folder)), None)
    return [folder for folder in beyond if folder != last]


def _succeeded(folder: Path) -> bool:
    with contextlib.suppress(StoreError):
        return run_record.read(folder).status == "done"
    return False


def _text(events: Path) -> set[str]:
    """What an unfinished run had made, or found, before it died."""
    found = set()
    with contextlib.suppress(OSError):
        for line in safe_files.read(events, LARGEST_LOG).splitlines():
            with contextlib.suppress(ValueError):
                found.add(json_values.decode(line, _Made).fingerprint or "")
    return found
