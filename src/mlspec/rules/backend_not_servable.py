"""This machine does not support the backend.

Why: a run that needs a GPU would fail at its first training step, after all the work before it. Compiling works
anywhere, so there this is a warning.

Instead: run on a machine with the device, or use `--backend cpu`. `mlspec doctor` lists what this machine supports. The
engine `dvc` needs a DVC repository: `mlspec run --init` creates one. The engine `slurm` needs SLURM's commands: run on
a login node. The engine `ray` needs a cluster that runs: `ray start --head` starts one.
"""

import os
import shutil
from collections.abc import Iterator

from mlspec.constraints.budget import Budget
from mlspec.diagnostics import Diagnostic
from mlspec.machine import accelerators
from mlspec.rules.context import View
from mlspec.spec.backend import Backend


def check(view: View) -> Iterator[Diagnostic]:
    """The backend against what the system shows, and against the budget."""
    backend = view.project.backend
    severity = "error" if view.running else "warning"
    for key, message in lacks(backend, libraries=view.running):
        yield view.diagnostic(
            "backend-not-servable",
            _place(view, key),
            message,
            "",
            "`mlspec doctor` lists what this machine supports",
            severity=severity,
        )
    if view.running and backend.engine == "dvc" and not _in_dvc_repository(view.facts.root):
        message = f"the engine 'dvc' needs a DVC repository, and '{os.path.abspath(view.facts.root)}' is not in one"
        note = "`dvc init` or `mlspec run --init` creates one"
        yield view.diagnostic("backend-not-servable", _place(view, "engine"), message, "", note)
    budget = view.project.constraints.one(Budget)
    if budget is not None and budget.gpus == 0 and backend.device.startswith(("cuda", "mps")):
        message = f"constraints.budget.gpus is 0, but the backend trains on '{backend.device}'"
        yield view.diagnostic("backend-not-servable", _place(view, "device"), message, "change one of the two")


def lacks(backend: Backend, *, libraries: bool) -> Iterator[tuple[str, str]]:
    """What this machine lacks to serve a backend: the key that asks for it, and that in words.

    ``libraries``: look for those too that only a run needs.
    """
    if backend.engine == "slurm":
        # The devices are those of other machines.
        if shutil.which("sbatch") is None:
            yield "engine", "the engine 'slurm' needs SLURM's commands: there is no sbatch on the PATH"
    elif backend.engine != "ray":
        yield from _lacking_devices(backend, libraries=libraries)
    if backend.reproducible == "portable" and (why := _not_portable()):
        yield "reproducible", f"reproducible: portable needs an x86-64 processor with AVX2 (x86-64-v3), but {why}"
    if libraries and backend.store is not None and "://" in backend.store:
        missing = _store_library(backend.store)
        if missing:
            yield "store", missing


def _lacking_devices(backend: Backend, *, libraries: bool) -> Iterator[tuple[str, str]]:
    device, count = backend.device, accelerators.gpus()
    if device.startswith("cuda") and not accelerators.has_nvidia():
        yield "device", f"backend device '{device}' needs an NVIDIA GPU, but this machine has none"
    elif device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        if 0 < count <= index:
            yield "device", f"there is no device '{device}': this machine has {count} GPUs, numbered from 0"
        if backend.processes != "auto" and 0 < count < backend.processes:
            yield "processes", f"{backend.processes} processes need a GPU each, but this machine has {count}"
        if libraries and _torch().endswith("+cpu"):
            yield "device", f"backend device '{device}' needs a GPU build of torch: {_torch()} is built for CPUs only"
    if device == "mps" and not accelerators.is_mac():
        yield "device", "backend device 'mps' needs a Mac"
    if backend.compile and not device.startswith("cuda") and accelerators.compiler() is None:
        yield "compile", "torch.compile needs a C++ compiler for the CPU, but there is none on the PATH"


def _place(view: View, key: str) -> tuple[str, ...]:
    return ("backend", key) if view.document.node(("backend", key)) is not None else ("backend",)


def _not_portable() -> str:
    from mlspec.machine import environment, processors

    return processors.lacking(environment.machine(), processors.flags())


def _torch() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def _store_library(url: str) -> str:
    """What keeps a shared store's URL from being opened; empty where nothing does."""
    protocol = url.partition("://")[0]
    try:
        from fsspec import get_filesystem_class
    except ImportError:
        return f"the store '{url}' needs fsspec: pip install 'mlspec-compiler[run]'"
    try:
        get_filesystem_class(protocol)
    except ImportError as error:
        return f"the store '{url}' can't be opened: {' '.join(str(error).split())}"
    except ValueError:
        return f"the store '{url}' can't be opened: fsspec does not know the protocol '{protocol}'"
    return ""


def _in_dvc_repository(root: str | os.PathLike[str]) -> bool:
    folder = os.path.abspath(root)
    while not os.path.isdir(os.path.join(folder, ".dvc")):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return True
