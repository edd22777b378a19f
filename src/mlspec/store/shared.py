"""A store that others use too: a folder, or whatever fsspec finds behind a URL. Read and filled, never relied on.

It holds actions, trees and objects under the same names as a store of one's own. Whatever is fetched is checked by its
digest before it is used; damaged entries count as missing, and are uploaded again after they have been computed again.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlspec.diagnostics import StoreError
from mlspec.machine import safe_files, secret_values
from mlspec.store import action as actions
from mlspec.store import tree
from mlspec.store.action import Action
from mlspec.store.errors import DamagedError
from mlspec.store.sealed import MARK, Files, Sealed
from mlspec.store.store import Store

T = TypeVar("T")


class UnreachableError(StoreError):
    """The shared store can't be read or written; its message says why."""


def located(store: str, root: Path) -> str:
    """A store as a spec names it: a URL as it is, a folder seen from the spec's own."""
    return store if "://" in store else os.path.abspath(root / Path(store).expanduser())


class Shared:
    """A shared store, until something goes wrong with it: then it is left alone, and ``trouble`` says why.

    ``encrypt``: the environment variable with the key that its files are encrypted by.
    """

    def __init__(self, place: str, encrypt: str = "") -> None:
        self.place, self._encrypt = place, encrypt
        self.trouble = ""
        self._files: Files | None = None
        self._damaged: set[str] = set()

    def fetch(self, fingerprint: str, store: Store) -> Action | None:
        """Copy what is stored there under a fingerprint into a store that is open for writing; None when it has nothing
        whole and undamaged, or can't be reached."""
        return self._tried(lambda files: self._fetched(files, fingerprint, store))

    def fill(self, action: Action, store: Store) -> None:
        """Put a result there, contents first; what is there already is left as it is unless it is damaged."""
        self._tried(lambda files: self._filled(files, action, store))

    def bring(self, digest: str, store: Store) -> bool:
        """Copy a content into a store that is open for writing, unless it is there; False where the shared store has it
        not, or damaged, or can't be reached."""
        try:
            store.path(digest)
            return True
        except DamagedError:
            return bool(self._tried(lambda files: self._brought(files, digest, store)))

    def put(self, digest: str, store: Store) -> bool:
        """Put a content of a store there, unless it is there; False where that is not possible. Raises DamagedError
        where the store has it not."""
        store.path(digest)
        is_folder = (store.root / "trees" / digest).exists()
        return bool(self._tried(lambda files: self._put(files, digest, is_folder, store)))

    def _brought(self, files: "Files", digest: str, store: Store) -> bool:
        wanted = _content(files, digest) or {digest: "objects"}
        with store.stage(wanted) as staged:
            if not all(files.get(f"{kind}/{one}", staged[one]) for one, kind in wanted.items()):
                return False
            try:
                store.take({one: (kind, staged[one]) for one, kind in wanted.items()})
            except DamagedError as error:
                self._damaged.add(error.digest)
                return False
        return True

    def _put(self, files: "Files", digest: str, is_folder: bool, store: Store) -> bool:
        if not is_folder:
            files.put(store.path(digest), f"objects/{digest}", overwrite=digest in self._damaged)
            return True
        path = store.root / "trees" / digest
        found = tree.decode(path.read_bytes(), digest)
        for one in found.files.values() if found is not None else ():
            files.put(store.path(one), f"objects/{one}", overwrite=one in self._damaged)
        files.put(path, f"trees/{digest}", overwrite=True)
        return True

    def _fetched(self, files: "Files", fingerprint: str, store: Store) -> Action | None:
        stored = files.read(f"actions/{fingerprint}")
        try:
            action = None if stored is None else actions.decode(stored, fingerprint)
        except StoreError:
            return None
        wanted = None if action is None else _contents(files, action)
        if action is None or wanted is None:
            return None
        with store.stage(wanted) as staged:
            for digest, kind in wanted.items():
                if not files.get(f"{kind}/{digest}", staged[digest]):
                    return None
            try:
                store.adopt(action, {digest: (kind, staged[digest]) for digest, kind in wanted.items()})
            except DamagedError as error:
                self._damaged.add(error.digest)
                return None
        return action

    def _filled(self, files: "Files", action: Action, store: Store) -> None:
        for name, digest in action.outputs.items():
            self._put(files, digest, name in action.folders, store)
        with store.stage(["action"]) as staged:
            # Without the seal, which is for this store alone.
            staged["action"].write_bytes(actions.encode(action))
            files.put(staged["action"], f"actions/{action.fingerprint}", overwrite=True)

    def _tried(self, work: "Callable[[Files], T]") -> "T | None":
        """What comes of working with its files; None, and ``trouble`` says why, where something is wrong with them."""
        if self.trouble:
            return None
        try:
            if self._files is None:
                self._files = _opened(self.place, self._encrypt)
            return work(self._files)
        except Exception as error:
            # The file systems of fsspec raise whatever their libraries raise.
            why = " ".join(secret_values.hidden(str(error)).split()) or type(error).__name__
            self.trouble = f"the shared store {self.place} is not used: {why[:200]}"
            return None


class _Folder:
    """A folder, where renaming makes a file appear whole."""

    def __init__(self, root: Path) -> None:
        self._root = root
        if not root.is_dir():
            # A missing parent is a disk that is not mounted, and no place to begin a store.
            if not root.parent.is_dir():
                raise UnreachableError(f"there is no folder '{root.parent}'")
            root.mkdir(exist_ok=True)

    def read(self, name: str) -> bytes | None:
        try:
            return safe_files.read(self._root / name)
        except FileNotFoundError:
            self._here()
            return None

    def get(self, name: str, path: Path) -> bool:
        try:
            with safe_files.opened(self._root / name) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        except FileNotFoundError:
            self._here()
            return False
        return True

    def put(self, path: Path, name: str, *, overwrite: bool = False) -> None:
        self._here()
        target = self._root / name
        if not overwrite and _is_whole(target, name):
            return
        target.parent.mkdir(exist_ok=True)
        aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            shutil.copyfile(path, aside)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)

    def size(self, name: str) -> int | None:
        try:
            return (self._root / name).stat().st_size
        except FileNotFoundError:
            return None

    def _here(self) -> None:
        if not self._root.is_dir():
            raise UnreachableError(f"the folder '{self._root}' no longer exists")


class _Remote:
    """A file system of fsspec's."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self._system, self._root = url_to_fs(url)

    def read(self, name: str) -> bytes | None:
        try:
            content: bytes = self._system.cat_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        return content

    def get(self, name: str, path: Path) -> bool:
        try:
            self._system.get_file(f"{self._root}/{name}", str(path))
        except FileNotFoundError:
            path.unlink(missing_ok=True)
            return False
        return True

    def put(self, path: Path, name: str, *, overwrite: bool = False) -> None:
        target = f"{self._root}/{name}"
        if not overwrite and self.size(name) == path.stat().st_size:
            return
        self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._system.put_file(str(path), target)

    def size(self, name: str) -> int | None:
        try:
            found = self._system.info(f"{self._root}/{name}").get("size")
            return None if found is None else int(found)
        except FileNotFoundError:
            return None


def _opened(place: str, encrypt: str) -> Files:
    if place.startswith("file://"):
        place = place.removeprefix("file://")
    files: Files = _Remote(place) if "://" in place else _Folder(Path(place))
    if encrypt:
        return Sealed(files, encrypt)
    if files.read(MARK) is not None:
        raise UnreachableError("it is encrypted, but the spec names no key (storage.encrypt)")
    return files


def _contents(files: Files, action: Action) -> dict[str, str] | None:
    """The digests of all that an action names, with what they are; None where that is not whole, or no digest at all.

    Others can write there: no name of theirs may lead anywhere else.
    """
    wanted: dict[str, str] = {}
    for name, digest in action.outputs.items():
        if not tree.DIGEST.fullmatch(digest):
            return None
        if name not in action.folders:
            wanted[digest] = "objects"
            continue
        found = _content(files, digest)
        if found is None:
            return None
        wanted |= found
    return wanted


def _content(files: Files, digest: str) -> dict[str, str] | None:
    """The digests of what a folder consists of, with what they are; None where there is no such folder."""
    content = files.read(f"trees/{digest}")
    found = None if content is None else tree.decode(content, digest)
    return None if found is None else {**dict.fromkeys(found.files.values(), "objects"), digest: "trees"}


def _is_whole(path: Path, name: str) -> bool:
    """Whether a content is there undamaged."""
    digest = name.rpartition("/")[2]
    try:
        if name.startswith("trees/"):
            return tree.decode(safe_files.read(path), digest) is not None
        with safe_files.opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
