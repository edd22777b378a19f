"""What of a project's results is still of use, and the removal of the rest."""

from pathlib import Path

from mlspec import paths, registry
from mlspec.diagnostics import StoreError
from mlspec.engine.run import lockfile, retention, run_record
from mlspec.snapshots import anonymize_snapshot
from mlspec.snapshots.snapshots import prune
from mlspec.spec import pinned
from mlspec.store import upkeep
from mlspec.store.store import Store
from mlspec.store.upkeep import Collected


def collect(root: Path, *, runs: int = 1, snapshots: int = 3, home: Path | None = None) -> Collected:
    """Keep the results of the last ``runs`` runs and those that ``mlspec.lock`` names; remove all others, and of each
    fetched source all but the last ``snapshots``.

    What unfinished steps keep to go on from is removed too, and what killed runs have left on a cluster. Raises
    StoreError while a run is going on.
    """
    home = home or paths.home(root)
    paths.demand_no_links(home)
    keep: set[str] = set()
    known = 0
    for folder in run_record.folders(home):
        try:
            run = run_record.read(folder)
        except StoreError:
            if (folder / run_record.FILE).exists():
                # It came to an end, and can't be read any more: what it made is known by its events.
                keep |= retention.needed(root, [folder])
            continue
        if known < runs:
            keep.update(step.fingerprint for step in run.steps.values() if step.fingerprint is not None)
            known += 1
    locked = lockfile.read(lockfile.beside(root))
    if locked is not None:
        keep.update(step.fingerprint for step in locked.steps.values())
    found = upkeep.collect(Store(paths.store(home)), keep, [paths.scratch(home)])
    _clean_clusters(home)
    anonymize_snapshot.sweep(root / pinned.FOLDER)
    folders = sorted((root / pinned.FOLDER).iterdir()) if (root / pinned.FOLDER).is_dir() else []
    freed = sum(prune(root, folder.name, snapshots) for folder in folders if folder.is_dir())
    return Collected(found.results, found.bytes + freed)


def _clean_clusters(home: Path) -> None:
    """Have each engine that works in a folder of its own clean that."""
    for name in paths.CLUSTERS:
        if (home / name).is_dir() and registry.has(registry.ENGINES, name):
            registry.engine(name).clean(home / name)
