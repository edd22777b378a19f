"""The store: finished results, found by the fingerprint of the step that gave them.

::

    objects/DIGEST       a file's bytes, under their sha256
    trees/DIGEST         a folder: its files' digests by path
    folders/DIGEST/      the same folder as a folder; its files are links to the objects
    actions/FINGERPRINT  what a step gave: the digests of its outputs, sealed (see machine/seals.py)
    tmp/PID-RANDOM/      what a process has not finished
    locks/FINGERPRINT    held by the process that makes that result
    key                  what this store's seals are made by

An entry is written aside, synced and renamed, objects before the action that names them: whatever moment a process dies
at, an action that can be found has all its outputs. Nothing stored is ever written again; every entry is checked when a
process first reads it. An action that is not sealed by this store was made elsewhere: it is not used.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from mlspec.diagnostics import StepError, StoreError
from mlspec.machine import safe_files, seals
from mlspec.store import action as actions
from mlspec.store import files, locks, tree
from mlspec.store.action import Action
from mlspec.store.errors import DamagedError
from mlspec.store.workspace import Workspace

FOLDERS = ("objects", "trees", "folders", "actions", "tmp", "locks")
READ_ONLY = 0o444


class Store:
    """The store in a folder. Looking something up writes nothing; whatever writes is in ``writing``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects, self._trees, self._folders = root / "objects", root / "trees", root / "folders"
        self._actions = os.path.join(root, "actions")
        self._key: bytes | None = None
        self._good: dict[str, Path] = {}
        self._workspace: Workspace | None = None

    def key(self) -> bytes | None:
        """What this store's seals are made by; None where nothing was ever stored in it."""
        if self._key is None:
            self._key = seals.key(self.root)
        return self._key

    def private(self, name: str) -> str:
        """A name for what is kept next to this store, which others cannot predict. The store is open for writing."""
        key = self.key()
        assert key is not None
        return seals.private(name, key)

    def lookup(self, fingerprint: str) -> Action | None:
        """What is stored under a fingerprint; None when nothing is, or when it is damaged, incomplete, or was made
        elsewhere."""
        found = self.read(fingerprint)
        return None if found is None or not found[1] else found[0]

    def is_elsewhere(self, fingerprint: str) -> bool:
        """Whether what is stored under a fingerprint was made elsewhere: copied, unpacked or committed."""
        found = self.read(fingerprint)
        return found is not None and not found[1]

    def read(self, fingerprint: str) -> tuple[Action, bool] | None:
        """What is stored under a fingerprint, and whether it was made here; None where it is damaged or incomplete."""
        try:
            stored = safe_files.read(os.path.join(self._actions, fingerprint), actions.LARGEST)
            content = seals.opened(stored, self.key())
            action = actions.decode(actions.unsealed(stored) if content is None else content, fingerprint)
        except (OSError, StoreError):
            return None
        for name, digest in action.outputs.items():
            folder = self._trees if name in action.folders else self._objects
            if digest not in self._good and not (
                tree.DIGEST.fullmatch(digest) and os.path.exists(os.path.join(folder, digest))
            ):
                return None
        return action, content is not None

    def adopt_elsewhere(self) -> list[Action]:
        """Take over the results that were made elsewhere, where each byte is what its digest says; those taken over.
        The store is open for writing."""
        found = []
        for name in _names(self._actions):
            one = self.read(name)
            if one is None or one[1]:
                continue
            try:
                for digest in one[0].outputs.values():
                    self.path(digest)
            except DamagedError:
                continue
            self._put_action(one[0], sync=True)
            found.append(one[0])
        return found

    def actions(self) -> Iterator[Action]:
        """Everything that is stored, can be read, and was made here."""
        for name in _names(self._actions):
            action = self.lookup(name)
            if action is not None:
                yield action

    def path(self, digest: str) -> Path:
        """Where the content under a digest lies, a file or a folder, read-only.

        It is checked when this process first asks for it. Raises DamagedError when it is missing or damaged; what is
        damaged is thrown away, so that the action that names it is not found any more.
        """
        known = self._good.get(digest)
        if known is None:
            known = self._folder(digest) if (self._trees / digest).exists() else self._object(digest)
            self._good[digest] = known
        return known

    def size(self, digest: str) -> int:
        """The bytes of a content that is a file, as they are there, unchecked; 0 of any other."""
        try:
            return (self._objects / digest).stat().st_size
        except OSError:
            return 0

    def forget(self) -> None:
        """Check everything again at the next access: another process has found damage."""
        self._good.clear()

    @contextmanager
    def writing(self) -> Iterator["Store"]:
        """Results may be stored within: a collection waits, leftovers of dead processes are swept.

        Raises OSError when the folder can't be written to.
        """
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        with locks.shared(self.root / "lock"):
            self._key = seals.make(self.root)
            self._workspace = Workspace(self.root / "tmp")
            try:
                self.sweep()
                yield self
            finally:
                self._workspace.close()
                self._workspace = None

    def sweep(self) -> None:
        """Remove what processes left that have died."""
        self._own().sweep()
        locks.sweep(self.root / "locks")

    def lock(self, fingerprint: str, waiting: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """Be the only one, of all processes, who makes this result."""
        return locks.exclusive(self.root / "locks" / fingerprint, waiting)

    @contextmanager
    def stage(self, names: Iterable[str]) -> Iterator[dict[str, Path]]:
        """Paths to put outputs at, nothing there yet; what has not been committed is gone afterwards."""
        paths = {name: self._own().name(f"-{name}") for name in names}
        try:
            yield paths
        finally:
            for path in paths.values():
                if os.path.lexists(path):
                    files.remove(path)

    def commit(
        self,
        fingerprint: str,
        produced: Mapping[str, Path],
        *,
        identity: str,
        kind: str,
        inputs: Mapping[str, str],
        record: Mapping[str, Any],
        sync: bool = True,
    ) -> Action:
        """Store outputs (moved out of the stage) and the action that names them.

        Without ``sync`` a power cut may take the result away, or damage it, which is noticed when it is read: good
        enough for what takes less time to make again. Raises StepError for outputs that can't be stored and OSError
        when writing fails; nothing is stored then.
        """
        outputs, folders = {}, []
        for name, path in produced.items():
            if path.is_symlink():
                raise StepError(f"a step wrote '{name}', which is neither a file nor a folder")
            if path.is_dir():
                outputs[name] = self._put_folder(path, sync)
                folders.append(name)
            else:
                outputs[name] = self._put(path, sync)
        if sync:
            files.sync_folder(self._objects)
        if sync and folders:
            files.sync_folder(self._trees)
        action = Action(
            fingerprint=fingerprint,
            identity=identity,
            kind=kind,
            inputs=dict(inputs),
            outputs=outputs,
            folders=tuple(folders),
            record=dict(record),
        )
        self._put_action(action, sync)
        return action

    def adopt(self, action: Action, contents: Mapping[str, tuple[str, Path]]) -> None:
        """Store a result that was made elsewhere: each content by its digest, as an object or a tree (``objects`` or
        ``trees``) in a file, which is moved out of the stage.

        Raises DamagedError, and stores no action, when a content is not what its digest says.
        """
        self.take(contents)
        self._put_action(action, sync=True)

    def take(self, contents: Mapping[str, tuple[str, Path]]) -> None:
        """Store contents alone, as ``adopt`` does. Raises DamagedError as that does."""
        for digest, (kind, path) in contents.items():
            if kind == "objects":
                if self._put(path, sync=True) != digest:
                    raise DamagedError(digest, "is damaged")
            else:
                if tree.decode(safe_files.read(path), digest) is None:
                    raise DamagedError(digest, "is damaged")
                path.chmod(READ_ONLY)
                path.rename(self._trees / digest)
        files.sync_folder(self._objects)
        files.sync_folder(self._trees)

    def _put_action(self, action: Action, sync: bool) -> None:
        aside = self._own().name()
        key = self.key()
        assert key is not None
        files.write(aside, seals.sealed(actions.encode(action), key), READ_ONLY, sync=sync)
        os.rename(aside, os.path.join(self._actions, action.fingerprint))
        if sync:
            files.sync_folder(Path(self._actions))

    def discard(self, fingerprint: str) -> None:
        """Remove an action; what it names is garbage that a collection removes, unless others name it too."""
        files.remove(Path(self._actions, fingerprint))

    def keep(self, path: Path) -> str:
        """Store content that no step has given, a file or a folder moved out of the stage; its digest."""
        return self._put_folder(path, sync=False) if path.is_dir() else self._put(path, sync=False)

    def _own(self) -> Workspace:
        if self._workspace is None:
            raise ValueError("the store is not open for writing")
        return self._workspace

    def _put(self, path: Path, sync: bool) -> str:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if not self._intact(digest):
                os.fchmod(file.fileno(), READ_ONLY)
                if sync:
                    os.fsync(file.fileno())
                path.rename(self._objects / digest)
        self._good[digest] = self._objects / digest
        return digest

    def _put_folder(self, folder: Path, sync: bool) -> str:
        names, empty = tree.listing(folder)
        digest, content = tree.encode(tree.Tree({name: self._put(folder / name, sync) for name in names}, tuple(empty)))
        aside = self._own().name()
        files.write(aside, content, READ_ONLY, sync=sync)
        aside.rename(self._trees / digest)
        return digest

    def _intact(self, digest: str) -> bool:
        if digest in self._good:
            return (self._objects / digest).exists()
        try:
            self._object(digest)
        except DamagedError:
            return False
        return True

    def _object(self, digest: str) -> Path:
        path = self._objects / digest
        try:
            with safe_files.opened(path) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                    return path
        except FileNotFoundError:
            raise DamagedError(digest, "is missing") from None
        except safe_files.NotRegularError:
            pass
        files.remove(path)
        raise DamagedError(digest, "is damaged")

    def _folder(self, digest: str) -> Path:
        path = self._trees / digest
        try:
            found = tree.decode(safe_files.read(path), digest)
        except FileNotFoundError:
            raise DamagedError(digest, "is missing") from None
        if found is None:
            files.remove(path)
            raise DamagedError(digest, "is damaged")
        try:
            for content in found.files.values():
                self.path(content)
        except DamagedError as error:
            # The folder's own digest is what a step knows its input by.
            files.remove(path)
            raise DamagedError(digest, "has a damaged file") from error
        folder = self._folders / digest
        if not self._is_laid_out(folder, found):
            self._lay_out(folder, found)
        return folder

    def _is_laid_out(self, folder: Path, wanted: tree.Tree) -> bool:
        if not folder.is_dir():
            return False
        try:
            if tree.listing(folder) != (sorted(wanted.files), sorted(wanted.empty)):
                return False
            return all(self._same(folder / name, digest) for name, digest in wanted.files.items())
        except (OSError, StepError):
            return False

    def _same(self, path: Path, digest: str) -> bool:
        if path.samefile(self._objects / digest):
            return True
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest

    def _lay_out(self, folder: Path, wanted: tree.Tree) -> None:
        workspace = self._workspace or Workspace(self.root / "tmp")
        try:
            aside = workspace.name()
            aside.mkdir()
            for name in wanted.empty:
                (aside / name).mkdir(parents=True)
            for name, digest in wanted.files.items():
                (aside / name).parent.mkdir(parents=True, exist_ok=True)
                link(self._objects / digest, aside / name)
            self._folders.mkdir(exist_ok=True)
            while True:
                try:
                    aside.rename(folder)
                    return
                except OSError:
                    if self._is_laid_out(folder, wanted):
                        return
                    if not folder.exists():
                        raise
                    folder.rename(workspace.name())
        finally:
            if workspace is not self._workspace:
                workspace.close()


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def link(source: Path, target: Path) -> None:
    """Another name for a file; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(READ_ONLY)
