"""What of a backend changes a network's digits: the params of steps that train or try one."""

from typing import Any

from mlspec.graph.step import Step
from mlspec.machine import accelerators
from mlspec.machine.environment import device_kind
from mlspec.spec.backend import Backend


def computing(backend: Backend) -> dict[str, Any]:
    """The kind of device; precision and compilation where they are not the usual ones; the number of processes on a
    CPU, where the order of sums decides the last digits (a GPU promises none)."""
    kind = device_kind(backend.device)
    params: dict[str, Any] = {"device": kind}
    if backend.precision != "fp32":
        params["precision"] = backend.precision
    if backend.compile:
        params["compile"] = True
    if kind == "cpu" and processes(backend) > 1:
        params["processes"] = processes(backend)
    return params


def processes(backend: Backend) -> int:
    """How many processes train one network; ``auto`` is one for each GPU that this machine shows, and one on a CPU."""
    if backend.processes == "auto":
        return max(1, accelerators.gpus()) if device_kind(backend.device) == "cuda" else 1
    return backend.processes


def share(step: Step, backend: Backend) -> int:
    """How many processes this step takes: trials and checks train in one each."""
    return processes(backend) if step.kind == "train" and "device" in step.params else 1
