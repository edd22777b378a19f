"""A process's own folder for what is not finished yet. Those of processes that have died are swept."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from mlspec.store import locks


class Workspace:
    """A folder ``PID-RANDOM`` in ``parent`` that is locked as long as this process lives or until ``close``."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._count = 0
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            self.path = parent / f"{os.getpid()}-{secrets.token_hex(4)}"
            self.path.mkdir()
            handle = locks.hold_folder(self.path)
            # A sweep may have come between making the folder and locking it.
            if handle is not None:
                break
        self._handle = handle

    def name(self, ending: str = "") -> Path:
        """A path in the folder that nothing has."""
        self._count += 1
        return self.path / f"{self._count}{ending}"

    def sweep(self) -> None:
        """Remove the folders of processes that have died."""
        for name in os.listdir(self._parent):
            folder = self._parent / name
            if folder == self.path:
                continue
            handle = locks.hold_folder(folder)
            if handle is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._handle)
