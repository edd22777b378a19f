"""What two machines have to agree on before one works for the other: versions of mlspec, its code, and libraries."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlspec import __version__
from mlspec.machine import environment

CODE = "mlspec's code"
IGNORED = ("processor", "instructions")  # a cluster may have several; what is timed is measured where it was planned


def own(names: Iterable[str]) -> dict[str, str]:
    """The versions of these libraries on this machine, and those of mlspec, its code, Python and the machine."""
    known = {
        "mlspec": __version__,
        CODE: _code(),
        "python": environment.python_version(),
        "machine": environment.machine(),
    }
    return environment.versions(set(names) - known.keys() - set(IGNORED)) | known


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What differs, by name, in words; empty where nothing does."""
    found = []
    for name in sorted(here.keys() | there.keys()):
        mine, other = (versions.get(name, environment.ABSENT) for versions in (here, there))
        if mine != other:
            found.append(f"{name} differs" if name == CODE else f"{name} {other} instead of {mine}")
    return ", ".join(found)


def _code() -> str:
    """A digest of all modules of this installation: two with the same version may differ while one is worked on."""
    found = hashlib.sha256()
    root = Path(__file__).parents[1]
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                path = Path(folder, name)
                found.update(f"{path.relative_to(root)}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:16]
