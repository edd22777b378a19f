"""Frees what is no longer needed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.diagnostics import SpecError
from mlspec.specfile import find

if TYPE_CHECKING:
    from mlspec.store.upkeep import Collected


def collect(spec: str | os.PathLike[str] | None = None, *, runs: int | None = None) -> "Collected":
    """Remove stored results but those of the last ``runs`` runs and of ``mlspec.lock``, and old snapshots.

    Without ``runs``, what ``storage.keep`` says is kept, folders of older runs removed; one run's results where it says
    nothing, or where the spec can't be read. Raises StoreError while a run is going on.
    """
    from mlspec import paths
    from mlspec.api import garbage
    from mlspec.engine.run import retention, run_record
    from mlspec.spec.read import read
    from mlspec.spec.storage import Storage, kept
    from mlspec.store.upkeep import Collected

    path = find(spec)
    root = Path(path).parent
    try:
        storage = read(path, large=True)[0].storage
    except SpecError:
        storage = Storage()
    removed = retention.NOTHING
    if runs is None and storage.keep is not None:
        removed = retention.prune(root, *kept(storage.keep))
        runs = len(run_record.folders(paths.home(root)))
    found = garbage.collect(root, runs=1 if runs is None else runs, snapshots=storage.snapshots.keep)
    return Collected(removed.results + found.results, removed.bytes + found.bytes)


def adopt(spec: str | os.PathLike[str] | None = None) -> int:
    """Take the results and runs that were copied, unpacked or committed into ``.mlspec`` as made here, where each byte
    is what its digest says; how many results were taken. What made them is not known: the caller vouches for them."""
    from mlspec import paths
    from mlspec.engine.run import step_history
    from mlspec.report.runs import stored
    from mlspec.store.store import Store

    root = Path(find(spec)).parent
    home = paths.home(root)
    paths.prepare(home)
    with Store(paths.store(home)).writing() as store:
        taken = len(store.adopt_elsewhere())
        step_history.adopt(home)
        stored.adopt(root)
    return taken
