"""Frees what is no longer needed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError
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


class Accepted(Struct, frozen=True):
    """An accepted run: where its lock was kept, its verdicts by gate, and whether that changed anything."""

    path: Path
    verdicts: dict[str, str]
    changed: bool


def accept(spec: str | os.PathLike[str] | None = None, revision: str | None = None) -> Accepted:
    """Make the run in mlspec.lock, or in that of a git revision, the one that the baseline ``previous`` compares with:
    its lock is kept beside the spec, and mlspec.lock records its digest. Raises SpecError where there is no lock."""
    import hashlib

    from msgspec.structs import replace

    from mlspec.engine.run import lockfile
    from mlspec.machine import safe_files
    from mlspec.spec.read import read
    from mlspec.store import files

    path = find(spec)
    root = Path(path).parent
    found = lockfile.read(lockfile.beside(root))
    if revision is None:
        kept = found
    else:
        from mlspec.diff.version import content, in_revision

        data = content(in_revision(path, revision), lockfile.NAME)
        kept = None if data is None else lockfile.decode(data)
    if kept is None:
        where = "" if revision is None else f" in {revision}"
        message, note = f"there is no {lockfile.NAME}{where}", "mlspec run makes one, to be committed"
        raise SpecError([Diagnostic(code="run-not-found", message=message, notes=(note,))])
    uses = [use.plugin for use in read(path, large=True)[0].evaluation.baselines or () if use.name == "previous"]
    name = str(getattr(uses[0], "lock", "") if uses else "accepted.lock")
    try:
        target = safe_files.inside(root, name)
    except safe_files.UnsafePathError as error:
        note = "the accepted run is kept beside the spec: evaluation.baselines, previous, lock"
        raise SpecError([Diagnostic(code="file-outside", message=str(error), notes=(note,))]) from None
    text = lockfile.text(replace(kept, accepted=""))
    digest = hashlib.sha256(text).hexdigest()
    before = lockfile.read(target)
    changed = before is None or lockfile.text(before) != text
    if changed:
        files.replace(target, text)
    if found is not None and found.accepted != digest:
        files.replace(lockfile.beside(root), lockfile.text(replace(found, accepted=digest)))
    return Accepted(target, {name: gate.verdict for name, gate in kept.gates.items()}, changed)
