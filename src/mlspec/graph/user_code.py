"""Finds the source files of user code that a spec names, without importing or running any of it."""

from pathlib import Path

from mlspec.machine import python_paths
from mlspec.machine.allowed_reads import Reads
from mlspec.user.sources import closure, locate


def source_files(root: Path, reference: str, reads: Reads | None = None) -> dict[str, Path]:
    """The files behind ``module:Class`` by name: the module in the spec's folder with all modules there that it
    imports, however far, and all of its package; or the one file of an installed module. Empty where there is none.

    A file that is not in ``reads`` is named, and not opened.
    """
    module = reference.partition(":")[0]
    found = closure(root, module, reads)
    if found:
        return found
    installed = next(filter(None, (locate(Path(folder), module) for folder in python_paths.own())), None)
    return {} if installed is None else {module: installed}
