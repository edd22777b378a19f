"""Settings of the backend contradict each other.

Why: users would rely on a setting without effect: a time limit that cannot be enforced, a precision that the device
does not have.

Instead: change one of the two; the message names both.
"""

import re
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View
from mlspec.spec.backend import OPTIONS, Backend

SLURM = ("partition", "account", "qos", "options")
RAY = ("address", "accelerator", "resources")
ALONE = ("local", "inline", "dvc")  # engines that train on one machine


def check(view: View) -> Iterator[Diagnostic]:
    """The settings of the backend in use, one against the other."""
    for key, message, label in contradictions(view.project.backend):
        yield view.diagnostic("backend-contradicts-itself", ("backend", key), message, label)


def contradictions(backend: Backend) -> Iterator[tuple[str, str, str]]:
    """The key that can't hold, why, and the way out."""
    device, several = backend.device, backend.processes != 1
    if backend.precision == "tf32" and device in ("cpu", "mps"):
        yield "precision", f"tf32 needs an NVIDIA GPU, but the device is '{device}'", "use fp32, or bf16 for speed"
    if several and device == "mps":
        yield "processes", "several processes can't share the device 'mps'", "remove it"
    if several and device.startswith("cuda:"):
        yield (
            "processes",
            f"each process needs its own GPU, but the device names a single one: '{device}'",
            "device: cuda",
        )
    if several and backend.on_out_of_memory == "accumulate":
        message = "on_out_of_memory: accumulate does not work with several processes, which must process equal batches"
        yield "on_out_of_memory", message, "use fail, or one process"
    if backend.reproducible == "portable":
        if device != "cpu":
            message = f"reproducible: portable fixes the instructions of the CPU, but the device is '{device}'"
            yield "reproducible", message, "device: cpu"
        if backend.compile:
            message = "reproducible: portable does not work with compile, which makes code for this processor"
            yield "reproducible", message, "compile: false"
        if backend.engine == "inline":
            message = (
                "the engine 'inline' runs steps in its own process, whose libraries have chosen their instructions "
                "before reproducible: portable could fix them"
            )
            yield "reproducible", message, "engine: local"
    if backend.engine == "inline":
        for key in ("step_timeout", "run_timeout"):
            if getattr(backend, key) is not None:
                message = (
                    f"the engine 'inline' runs steps in its own process and cannot stop one, so {key} would "
                    "have no effect"
                )
                yield key, message, "engine: local"
    yield from _of_nodes(backend)
    yield from _of_clusters(backend)
    if backend.store is not None and re.match(r"[^/]*://[^/@]*:[^/@]*@", backend.store):
        yield "store", "the store's URL contains a password", "fsspec reads credentials from the environment"


def _of_nodes(backend: Backend) -> Iterator[tuple[str, str, str]]:
    nodes, processes = backend.nodes, backend.processes
    if nodes == 1:
        return
    if backend.engine in ALONE:
        message = f"nodes: {nodes} needs a cluster, but the engine '{backend.engine}' has this machine alone"
        yield "nodes", message, "engine: slurm or ray, or remove it"
    if not backend.shared_folder:
        yield "nodes", f"a training on {nodes} nodes needs a folder that all of them see", "shared_folder: true"
    if processes == "auto":
        if backend.engine not in ("slurm", "ray"):
            message = f"processes: auto counts the GPUs of this machine, but the training is on {nodes} nodes"
            yield "processes", message, "write the number"
    elif processes % nodes:
        several = f"{processes} processes" if processes > 1 else "one process"
        message = f"{several} can't be spread evenly over {nodes} nodes"
        yield "nodes", message, f"processes: {nodes}, or a multiple of it"


def _of_clusters(backend: Backend) -> Iterator[tuple[str, str, str]]:
    engine = backend.engine
    for name, what, keys in (("slurm", "for jobs of SLURM", SLURM), ("ray", "for tasks of Ray", RAY)):
        for key in keys:
            if engine != name and getattr(backend, key):
                yield key, f"{key} is {what}, but the engine is '{engine}'", f"engine: {name}"
    if not backend.shared_folder:
        if engine not in ("slurm", "ray"):
            message = f"shared_folder is about the nodes of a cluster, but the engine is '{engine}'"
            yield "shared_folder", message, "engine: slurm or ray"
        elif backend.store is None:
            message = "without a shared folder, inputs and results go through a shared store, and there is none"
            yield "shared_folder", message, "name a `store` that this machine and the nodes reach"
    if engine == "slurm":
        for option in backend.options:
            name = option[2:].partition("=")[0]
            if name not in OPTIONS:
                yield "options", f"the option '--{name}' of sbatch can't be passed on", _instead(name)
    if engine == "ray":
        yield from _of_ray(backend)
    if engine not in ("slurm", "ray"):
        return
    if backend.processes == "auto":
        message = f"processes: auto counts the GPUs of this machine, but the engine '{engine}' trains on others"
        yield "processes", message, "write the number"
    if backend.device in ("auto", "mps") or ":" in backend.device:
        message = f"the device '{backend.device}' is one of this machine, but the engine '{engine}' trains on others"
        yield "device", message, "device: cuda, or cpu"


def _of_ray(backend: Backend) -> Iterator[tuple[str, str, str]]:
    if backend.accelerator is not None and backend.device == "cpu":
        message = f"accelerator: {backend.accelerator} is for steps that train on GPUs, but the device is 'cpu'"
        yield "accelerator", message, "device: cuda"
    for name, amount in backend.resources.items():
        if name in ("CPU", "GPU", "memory", "object_store_memory"):
            yield "resources", f"a step's own needs decide how much '{name}' it takes", "remove it"
        elif amount > 1 and amount != int(amount):
            message = f"above 1, Ray counts a resource in integers, but '{name}' is {amount:g}"
            yield "resources", message, f"{name}: {int(amount) + 1}"


def _instead(name: str) -> str:
    """What to write in place of an option that mlspec sets itself."""
    if name in SLURM[:3]:
        return f"write {name} in the backend"
    if name in ("ntasks", "nodes"):
        return "write nodes and processes in the backend"
    if name in ("gpus", "gpus-per-node", "gpus-per-task", "cpus-per-task", "cpus-per-gpu"):
        return "a step's own needs decide it"
    return "remove it"
