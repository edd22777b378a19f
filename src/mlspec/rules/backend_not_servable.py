"""This machine can't serve the backend.

Why: a run that needs a GPU would fail at its first training step, after everything before it was paid for. Compiling is
fine anywhere, so there this is a warning.

Instead: run where the device is, or use `--backend cpu`. The engine `dvc` tracks results in a DVC repository:
`mlspec run --init` makes one where there is none.
"""

import os
import sys
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The device against what the system shows, and against the budget."""
    device = view.project.backend.device
    path = ("backend",)
    severity = "error" if view.running else "warning"
    if device.startswith("cuda") and not (
        os.path.exists("/dev/nvidia0") or os.path.exists("/proc/driver/nvidia/version")
    ):
        message = f"backend device '{device}' needs an NVIDIA GPU, this machine shows none"
        yield view.diagnostic(
            "backend-not-servable", path, message, "", "`mlspec doctor` tells what it can serve", severity=severity
        )
    if view.running and view.project.backend.engine == "dvc" and not _in_dvc_repository(view.facts.root):
        message = f"the engine 'dvc' needs a DVC repository, and '{os.path.abspath(view.facts.root)}' is in none"
        yield view.diagnostic("backend-not-servable", path, message, "", "`dvc init` or `mlspec run --init` makes one")
    if device == "mps" and sys.platform != "darwin":
        message = "backend device 'mps' needs a Mac"
        yield view.diagnostic("backend-not-servable", path, message, severity=severity)
    budget = view.project.constraints.budget
    if budget is not None and budget.gpus == 0 and device.startswith(("cuda", "mps")):
        message = f"constraints.budget.gpus is 0, but the backend trains on '{device}'"
        yield view.diagnostic("backend-not-servable", path, message, "one of the two has to change")


def _in_dvc_repository(root: str | os.PathLike[str]) -> bool:
    folder = os.path.abspath(root)
    while not os.path.isdir(os.path.join(folder, ".dvc")):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return True
