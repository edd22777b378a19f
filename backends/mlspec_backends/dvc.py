"""Steps in worker processes on this machine, their results as DVC's: tracked in ``dvc.lock``, kept in its cache.

mlspec runs the steps itself, side by side; when all have ended, DVC is opened once and gets all results. Whatever
moment a run is killed at, DVC holds what it held before, or all of it: results are in mlspec's store, and the next run
reports them to DVC without computing them again.
"""

import contextlib
import sys
from pathlib import Path

from mlspec.engine.backend import Setting
from mlspec.store.store import Store
from mlspec_backends import _dvc_repair, local

LIBRARIES = ("dvc",)
EXTRA = "dvc"


def start(setting: Setting, store: Store) -> local.Local:
    """The workers that do the steps."""
    return local.start(setting, store)


def init(root: Path) -> bool:
    """Make a DVC repository of a folder that is in none; whether one was made.

    It goes with Git where the folder is in a Git repository, and without it elsewhere.
    """
    from dvc.repo import Repo
    from dvc.scm import SCM, SCMError

    if _dvc_repair.repository(root) is not None:
        return False
    try:
        top: str | None = SCM(str(root), search_parent_directories=True).root_dir
    except SCMError:
        top = None
    inside = top is not None and Path(top).resolve() != root.resolve()
    with _dvc_repair.dvc_errors(), contextlib.redirect_stdout(sys.stderr):
        Repo.init(str(root), no_scm=top is None, subdir=inside).close()
    return True
