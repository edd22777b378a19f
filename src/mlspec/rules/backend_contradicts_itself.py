"""Settings of the backend contradict each other.

Why: users would rely on a setting without effect: a time limit that cannot be enforced, a precision that the device
does not have.

Instead: change one of the two; the message names both.
"""

import re
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View
from mlspec.spec.backend import Backend


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
    if backend.store is not None and re.match(r"[^/]*://[^/@]*:[^/@]*@", backend.store):
        yield "store", "the store's URL contains a password", "fsspec reads credentials from the environment"
