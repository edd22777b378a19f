"""What of the environment changes results: library versions, Python, the kind of machine, the device."""

import functools
import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from mlspec.machine import python_paths

ABSENT = "not installed"


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """The installed version of each distribution, by normalised name; ``not installed`` where there is none."""
    found = _installed(tuple(python_paths.own()))
    return {name: found.get(name, ABSENT) for name in sorted({normalised(library) for library in libraries})}


def key_mark(variable: str) -> str:
    """Four hexadecimal digits that distinguish keys, "" if the environment variable is not set.

    They are in fingerprints and packages: enough to notice another key, far too few to find a key by.
    """
    import hashlib
    import hmac

    key = os.environ.get(variable, "")
    return hmac.new(key.encode(), b"mlspec", hashlib.sha256).hexdigest()[:4] if key else ""


def normalised(name: str) -> str:
    """A distribution's name as indexes write it: lower case, one hyphen for any run of ``-``, ``_`` and ``.``."""
    return re.sub(r"[-_.]+", "-", name).lower()


def python_version() -> str:
    """The minor version of Python: ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@functools.cache
def machine() -> str:
    """The kind of machine that decides how floating-point code rounds: ``x86_64``, ``aarch64``."""
    return platform.machine() or "unknown"


@functools.cache
def processor() -> str:
    """The processor's model name, for what is measured in seconds; the kind of machine if unknown."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    # Asking the system in any other way would start a process, which compiling never does.
    return machine()


def device_kind(device: str) -> str:
    """The kind of a device (``cuda:1`` is ``cuda``); ``auto`` is ``cuda`` where this machine shows an NVIDIA device and
    the installed torch is not built for CPUs only, else ``cpu``."""
    if device != "auto":
        return device.partition(":")[0]
    torch = versions(["torch"])["torch"]
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "cuda" if not hidden and Path("/dev/nvidiactl").exists() and not torch.endswith(("+cpu", ABSENT)) else "cpu"


@functools.cache
def _installed(folders: tuple[str, ...]) -> dict[str, str]:
    # Importing importlib.metadata costs more than reading the names of the folders that it would read.
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").rpartition("-")
                found.setdefault(normalised(distribution), version)
    return found
