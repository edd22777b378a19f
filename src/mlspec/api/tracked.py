"""The files by which DVC knows a compiled spec."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.api.checking import Compiled, overlays
from mlspec.specfile import find

if TYPE_CHECKING:
    from mlspec_backends._dvc_files import Written


def write_dvc(compiled: Compiled) -> "Written":
    """Write the stages of a compiled spec into ``dvc.yaml`` beside it, and the values that they track.

    Raises SpecError where they can't be added to what is there.
    """
    from mlspec_backends import _dvc_files

    return _dvc_files.write(compiled.plan.graph, Path(compiled.checked.path).name, overlays(compiled))


def init_dvc(spec: str | os.PathLike[str] | None = None) -> bool:
    """Make a DVC repository of a spec's folder where it is in none; whether one was made."""
    from mlspec.rules import library_not_installed
    from mlspec_backends import dvc

    path = find(spec)
    library_not_installed.demand_dvc()
    return dvc.init(Path(path).parent)


def write_dvc_params(compiled: Compiled) -> tuple[str, ...]:
    """Write the values that the stages of a compiled spec track, and nothing else; the files that were not yet so.

    Raises SpecError where ``dvc.yaml`` holds other stages.
    """
    from mlspec_backends import _dvc_files

    graph = compiled.plan.graph
    _dvc_files.check(graph, Path(compiled.checked.path).name, overlays(compiled))
    return _dvc_files.write_params(graph)
