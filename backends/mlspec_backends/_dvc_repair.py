"""What a killed DVC leaves: an empty ``.dvc/tmp/rwlock``, after which all its commands fail, or half a ``dvc.lock``."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from mlspec import paths
from mlspec.diagnostics import MlspecError
from mlspec.machine import git, json_values, safe_files, seals, secret_values
from mlspec.store import files

if TYPE_CHECKING:
    from dvc.repo import Repo

RWLOCK = "rwlock"
COPY = "dvc.lock"


class _Holder(Struct):
    """A process that DVC's lock names."""

    pid: int
    cmd: str = ""


def repository(root: Path) -> Path | None:
    """The folder of the DVC repository that a folder is in; None where it is in none."""
    folder = root.absolute()
    return next((one for one in (folder, *folder.parents) if (one / ".dvc").is_dir()), None)


def repair(repo: "Repo", lock: Path, home: Path) -> Iterator[str]:
    """Repair both, if they are damaged; what was done, in words. The repository's lock is held.

    Raises MlspecError where another DVC process is alive: what looks broken may be what it is writing.
    """
    rwlock = Path(repo.tmp_dir or "") / RWLOCK
    broken = [rwlock] if rwlock.exists() and not _is_json(rwlock) else []
    broken += [lock] if lock.exists() and not _is_lock(repo, lock) else []
    if not broken:
        return
    others = list(_others(Path(repo.root_dir)))
    if others:
        raise MlspecError(f"'{broken[0]}' is broken, and another DVC process is alive ({others[0]}): end it, run again")
    if rwlock in broken:
        rwlock.unlink()
        yield f"removed '{os.path.relpath(rwlock)}', which a killed DVC process has left unreadable"
    if lock in broken:
        yield _restore(lock, home)


def remember(lock: Path, home: Path) -> None:
    """Keep a copy of ``dvc.lock`` for the day when DVC is killed while writing it."""
    key = seals.key(paths.store(home))
    if lock.exists() and key is not None:
        files.replace(home / COPY, seals.sealed(lock.read_bytes(), key))


def refuse_if_busy(repo: "Repo", folder: Path) -> None:
    """Raises MlspecError where a living DVC process is running a stage that reads or writes in a folder."""
    rwlock = Path(repo.tmp_dir or "") / RWLOCK
    try:
        held = json_values.read(rwlock, dict[str, dict[str, list[_Holder] | _Holder]])
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        message = f"'{os.path.relpath(rwlock)}' can't be read: {error}"
        raise MlspecError(f"{message}; remove it if no DVC process is alive") from None
    for mode in ("write", "read"):
        for path, infos in held.get(mode, {}).items():
            for info in infos if isinstance(infos, list) else [infos]:
                if Path(path).is_relative_to(folder) and _is_alive(info.pid):
                    message = f"DVC process {info.pid} ({info.cmd}) is at work on '{os.path.relpath(path)}'"
                    raise MlspecError(f"{message}; run again when it has ended: what is done is kept")


def _restore(lock: Path, home: Path) -> str:
    shown = os.path.relpath(lock)
    copy = None
    with contextlib.suppress(OSError):
        copy = seals.opened(safe_files.read(home / COPY), seals.key(paths.store(home)))
    if copy is not None:
        files.replace(lock, copy)
        return f"restored '{shown}', which a killed DVC process has left broken, from mlspec's copy"
    committed = _committed(lock)
    if committed is not None:
        files.replace(lock, committed)
        return f"restored '{shown}', which a killed DVC process has left broken, from Git"
    aside = lock.with_name(f"{lock.name}.broken")
    if lock.stat().st_size:
        lock.rename(aside)
        return f"moved '{shown}', which is broken and not in Git, to '{os.path.relpath(aside)}'"
    lock.unlink()
    return f"removed '{shown}', which a killed DVC process has left empty"


def _committed(lock: Path) -> bytes | None:
    """The file as Git has it."""
    try:
        repository = git.opened(lock.parent)
        head = None if repository is None else repository.commit("HEAD")
        if repository is None or head is None:
            return None
        path = os.path.relpath(os.path.realpath(lock.parent), repository.root)
        path = os.path.normpath(os.path.join(path, lock.name)).replace(os.sep, "/")
        entry = repository.entry(head.tree, path, f"HEAD:{path}")
        data = None if entry is None or entry.kind != "blob" else repository.read(entry.name, f"HEAD:{path}")
    except MlspecError:
        return None
    return data if data is not None and data.strip() else None


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json_values.read(path), dict)
    except (OSError, ValueError):
        return False


def _is_lock(repo: "Repo", path: Path) -> bool:
    """Whether DVC can read it."""
    from dvc.dvcfile import Lockfile
    from dvc.exceptions import DvcException

    try:
        Lockfile(repo, str(path)).load()
    except (DvcException, ValueError):
        return False
    return True


def _others(top: Path) -> Iterator[str]:
    """Other DVC processes at work in a repository."""
    import psutil

    for process in psutil.process_iter(["pid", "cmdline", "cwd"]):
        words, cwd = process.info["cmdline"] or [], process.info["cwd"]
        is_dvc = any(os.path.basename(word) == "dvc" for word in words[:3])
        if is_dvc and process.pid != os.getpid() and cwd is not None and Path(cwd).is_relative_to(top):
            yield f"process {process.pid}"


def _is_alive(pid: int) -> bool:
    import psutil

    return bool(psutil.pid_exists(pid)) and pid != os.getpid()


@contextlib.contextmanager
def dvc_errors() -> Iterator[None]:
    """What DVC refuses, in its own words."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError

    try:
        yield
    except LockError:
        message = "another DVC process is at work here; run again when it has ended: what is done is kept"
        raise MlspecError(message) from None
    except DvcException as error:
        cause = " ".join(secret_values.hidden(str(error)).split())
        raise MlspecError(f"DVC refuses: {cause}") from None
