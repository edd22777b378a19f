"""Python code of users' own, loaded by the place of its files under private names.

``mlspec.user.KEY.models`` is the module ``models`` of the folder that ``KEY`` was given to. No folder of theirs is ever
on ``sys.path``, so nothing in it takes the place of an installed module, two folders never meet, and only sources are
read: nothing is written beside them. Where such code imports ``helpers`` and a file of that name is in its folder,
that file is meant; one that an installed module has the name of too is an ImportError.
"""

import builtins
import importlib
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from mlspec.machine import python_paths
from mlspec.user.sources import locate

PREFIX = f"{__name__}."
FOLDERS = "MLSPEC_USER_FOLDERS"  # passes the keys' meaning to processes that user code starts
_LOCK = threading.Lock()


class _Folder:
    """A folder of modules, and what was read from it."""

    def __init__(self, key: str, path: Path) -> None:
        self.key, self.path = key, path
        self.read: dict[str, bytes] = {}
        self._names: set[str] = set()

    def is_current(self) -> bool:
        """Whether every file is still what was read."""
        return all(_bytes(path) == data for path, data in self.read.items())

    def holds(self, name: str) -> bool:
        """Whether an absolute import of this top-level name means a file of the folder. Raises ImportError where it
        might as well mean another module."""
        if name in self._names:
            return True
        file = locate(self.path, name)
        if file is None and not (self.path / name).is_dir():
            return False
        other = _elsewhere(name, self.path)
        if other is not None:
            if file is None:
                return False  # as everywhere, a folder without __init__.py comes last
            raise ImportError(f"'{name}' may be {file} or {other}: give the file beside the spec another name")
        self._names.add(name)
        return True

    def imported(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        """The ``__import__`` of its modules."""
        head = name.partition(".")[0]
        if level or not self.holds(head):
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = builtins.__import__(f"{PREFIX}{self.key}.{name}", globals, locals, fromlist or ("__name__",), 0)
        return module if fromlist else sys.modules[f"{PREFIX}{self.key}.{head}"]


_folders: dict[str, _Folder] = {}


def module(folder: Path, name: str) -> ModuleType:
    """The module of a folder by its dotted name; read once, and again when a file has changed since.

    Raises ModuleNotFoundError where it is not there, and whatever running it raises.
    """
    return importlib.import_module(f"{PREFIX}{_current(folder.absolute()).key}.{name}")


def named(cls: type[Any]) -> tuple[str, str]:
    """The key of the folder that a class comes from and its module's name there; ("", its module) of any other."""
    if not cls.__module__.startswith(PREFIX):
        return "", cls.__module__
    key, _, name = cls.__module__.removeprefix(PREFIX).partition(".")
    return key, name


def _current(path: Path) -> _Folder:
    import hashlib
    import json

    with _LOCK:
        mark = "k" + hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
        known = [one for one in _folders.values() if one.path == path]
        if known and known[-1].is_current():
            return known[-1]
        made = _Folder(f"{mark}_{len(known)}", path)
        _folders[made.key] = made
        os.environ[FOLDERS] = json.dumps({one.key: str(one.path) for one in _folders.values()})
        return made


def _folder(key: str) -> _Folder | None:
    import json

    if key not in _folders:
        path = json.loads(os.environ.get(FOLDERS, "{}")).get(key)
        if path is None:
            return None
        _folders[key] = _Folder(key, Path(path))
    return _folders[key]


def _bytes(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _elsewhere(name: str, folder: Path) -> str | None:
    """Where a module of this name is that is not the folder's own; None where there is none."""
    if name in sys.stdlib_module_names:
        return f"Python's own '{name}'"
    paths = [path for path in python_paths.own() if Path(path) != folder]
    for finder in sys.meta_path:
        if isinstance(finder, _Finder):
            continue
        found = PathFinder.find_spec(name, paths) if finder is PathFinder else finder.find_spec(name, None)
        if found is not None and found.loader is not None and not _is_below(found.origin, folder):
            return found.origin or f"an installed '{name}'"
    return None


def _is_below(file: str | None, folder: Path) -> bool:
    return file is not None and Path(file).is_relative_to(folder)


class _Loader(SourceFileLoader):
    """Runs sources, and never what was compiled from them before."""

    def __init__(self, name: str, path: str, folder: _Folder) -> None:
        super().__init__(name, path)
        self._folder = folder

    def get_code(self, fullname: str) -> CodeType:
        data = Path(self.path).read_bytes()
        self._folder.read[self.path] = data
        code: CodeType = self.source_to_code(data, self.path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._folder.imported}
        super().exec_module(module)


class _Finder:
    """Finds what has a private name, and nothing else."""

    @staticmethod
    def find_spec(fullname: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """The spec of a folder, or of a module in it."""
        key, _, name = fullname.removeprefix(PREFIX).partition(".")
        folder = _folder(key) if fullname.startswith(PREFIX) and key.startswith("k") else None
        if folder is None:
            return None
        # Nobody else is asked: what is no source is not run.
        place = folder.path.joinpath(*name.split(".")) if name else folder.path
        file = locate(folder.path, name) if name else None
        if file is None:
            spec = ModuleSpec(fullname, None, is_package=True) if place.is_dir() else None
        else:
            loader = _Loader(fullname, str(file), folder)
            spec = ModuleSpec(fullname, loader, origin=str(file), is_package=file.name == "__init__.py")
            spec.has_location = True
        if spec is None:
            raise ModuleNotFoundError(f"No module named '{name}' in {folder.path}", name=name)
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(str(place))
        return spec


sys.meta_path.insert(0, _Finder())
