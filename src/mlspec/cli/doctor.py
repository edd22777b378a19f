"""``mlspec doctor``: what this machine can run, and what is missing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from msgspec import Struct

from mlspec import __version__, registry
from mlspec.cli._namesake import namesakes
from mlspec.cli._options import formats
from mlspec.cli._output import colored, result
from mlspec.diagnostics import printable
from mlspec.machine import child_process, landlock
from mlspec.report.terminal.paint import paint

if TYPE_CHECKING:
    from mlspec.spec.backend import Backend

CORE = ("click", "pyyaml", "networkx", "msgspec", "rich")
RUN = ("torch", "polars", "scikit-learn", "numpy", "safetensors", "skops")
PROBE_SECONDS = 60
INSTALL = "pip install 'mlspec-compiler[run]'"
COLORS = {"ok": "32", "missing": "33", "warning": "33", "wrong": "31"}


class Finding(Struct, frozen=True):
    """One thing looked at: ``state`` is ok, missing (something optional), warning (works, but should be changed) or
    wrong (mlspec can't work)."""

    what: str
    state: Literal["ok", "missing", "warning", "wrong"]
    text: str


@click.command(name="doctor")
@click.option("--backend", metavar="NAME", help="Examine one execution backend: of a cluster, by jobs on two nodes.")
@formats("text", "json")
def command(backend: str | None, form: str) -> int:
    """Say what this machine can run, and what is missing.

    Exits with 1 if something that mlspec needs is missing or broken.
    """
    found = list(look() if backend is None else _examined(backend))
    if form == "json":
        import msgspec

        result(msgspec.json.format(msgspec.json.encode(found)).decode(), form="json")
    else:
        width = max(len(finding.what) for finding in found)
        color = colored(sys.stdout)
        for finding in found:
            state = paint(f"{finding.state:7}", COLORS[finding.state], color)
            result(f"{printable(finding.what):{width}}  {state}  {printable(finding.text)}")
    return int(any(finding.state == "wrong" for finding in found))


def look() -> Iterator[Finding]:
    """Everything that decides what can run here."""
    yield Finding("mlspec", "ok", f"{__version__} in {Path(__file__).parents[1]}")
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("python", "ok", f"{version} at {sys.executable}")
    yield from (Finding("another mlspec", "warning", sentence) for sentence in namesakes())
    yield from _libraries()
    yield from _machine()
    gpus = _gpus()
    yield gpus
    yield from _backends("" if gpus.state == "ok" else gpus.text)
    yield _folder()


def _libraries() -> Iterator[Finding]:
    from mlspec.machine.environment import ABSENT, versions

    for label, names, absent in (("core libraries", CORE, "wrong"), ("run libraries", RUN, "missing")):
        found = versions(names)
        lacking = [name for name, version in found.items() if version == ABSENT]
        text = ", ".join(f"{name} {version}" for name, version in found.items() if version != ABSENT)
        if lacking:
            text = f"{', '.join(lacking)} not installed: {INSTALL}" + (f"; {text}" if text else "")
        yield Finding(label, "ok" if not lacking else "wrong" if absent == "wrong" else "missing", text)


def _machine() -> Iterator[Finding]:
    from mlspec import formatting
    from mlspec.machine import resources

    count, total = resources.cores(), os.cpu_count() or 1
    limited = f" of {total}: the rest is excluded by CPU affinity or a control group" if count < total else ""
    yield Finding("cores", "ok", f"{count}{limited}")
    free = resources.memory()
    yield Finding("memory", "ok", "unknown" if free is None else f"{formatting.size(free)} free")
    found = landlock.version()
    without = "not available: validate, compile and diff follow their rules without the kernel's enforcement"
    line = f"version {found}: validate, compile and diff are confined by the kernel" if found else without
    yield Finding("landlock", "ok" if found else "missing", line)


def _gpus() -> Finding:
    from importlib.util import find_spec

    driver = Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
    if find_spec("torch") is None:
        return Finding("GPU", "missing", ("an NVIDIA driver, but " if driver else "") + "torch is not installed")
    if not driver and sys.platform != "darwin":
        return Finding("GPU", "missing", "no NVIDIA driver; networks train on the CPU")
    # Another process: loading torch takes seconds, and a broken driver can hang the process that queries it.
    try:
        probe = child_process.command("mlspec.torchkit.probe")
        asked = subprocess.run(probe, capture_output=True, timeout=PROBE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("GPU", "missing", f"torch could not be queried: {type(error).__name__}")
    import json

    answer = json.loads(asked.stdout)
    if answer["devices"]:
        return Finding("GPU", "ok", f"{', '.join(answer['devices'])} (CUDA {answer['cuda']})")
    if answer["mps"]:
        return Finding("GPU", "ok", "Apple's (device: mps)")
    built = f"torch is built for CUDA {answer['cuda']}" if answer["cuda"] else "torch is built for CPUs only"
    return Finding("GPU", "missing", f"an NVIDIA driver, but no device that torch can use ({built})")


def _backends(no_gpu: str) -> Iterator[Finding]:
    """What is built in, and what the spec here adds: whether this machine can serve it, and why not."""
    from importlib.util import find_spec

    lacking = [
        name for name, module in (("polars", "polars"), ("scikit-learn", "sklearn")) if find_spec(module) is None
    ]
    without = [f"{', '.join(lacking)} not installed: {INSTALL}"] if lacking else []
    known = registry.names(registry.ENGINES)
    for name, backend in _known_backends():
        reasons = [*without, *_reasons(backend, no_gpu, known)]
        yield Finding(f"backend {name}", "missing" if reasons else "ok", "; ".join(reasons) or _text(backend))
    for name in known:
        reasons = _unusable(name)
        detail = "; ".join(reasons) or (registry.engine(name).__doc__ or "").partition("\n")[0]
        yield Finding(f"engine {name}", "missing" if reasons else "ok", detail)


def _examined(name: str) -> Iterator[Finding]:
    """What is said of a single backend; its engine may look further."""
    from importlib.util import find_spec

    from mlspec.spec.backend import Backend

    known = dict(_known_backends())
    engines = registry.names(registry.ENGINES)
    backend = known.get(name) or (Backend(engine=name) if name in engines else None)
    if backend is None:
        raise click.UsageError(
            f"there is no backend '{name}'; there are {', '.join(dict.fromkeys([*known, *engines]))}"
        )
    gpus = _gpus() if find_spec("torch") is not None and backend.device.startswith("cuda") else None
    reasons = list(_reasons(backend, "" if gpus is None or gpus.state == "ok" else gpus.text, engines))
    yield Finding(f"backend {name}", "wrong" if reasons else "ok", "; ".join(reasons) or _text(backend))
    engine: Any = registry.engine(backend.engine) if backend.engine in engines else None
    if hasattr(engine, "examine"):
        yield from (Finding(what, state, text) for what, state, text in engine.examine(backend, Path.cwd()))
    if hasattr(engine, "place"):
        yield from _placed(engine, name)


def _placed(engine: Any, name: str) -> Iterator[Finding]:
    """What an engine says of the steps of the spec in this folder, if there is one."""
    from mlspec import api, specfile
    from mlspec.diagnostics import SpecError
    from mlspec.engine.fitting import asked

    try:
        specfile.find(None)
    except SpecError:
        return
    try:
        graph = api.compile(backend=name).plan.graph
    except SpecError:
        yield Finding("steps", "warning", "unknown: `mlspec validate` says what is wrong with the spec in this folder")
        return
    yield from (Finding(what, state, text) for what, state, text in engine.place(graph.project.backend, asked(graph)))


def _unusable(engine: str) -> list[str]:
    """Why an engine can't be used here."""
    from mlspec.rules.library_not_installed import of_engine

    try:
        return [f"the engine '{engine}' needs {name}: pip install {way}" for name, way in of_engine(engine)]
    except registry.PluginError as error:
        return [str(error)]


def _known_backends() -> "Iterator[tuple[str, Backend]]":
    from mlspec.diagnostics import SpecError
    from mlspec.spec.backend import PRESETS, Backend
    from mlspec.spec.read import read
    from mlspec.specfile import find

    own: dict[str, Backend] = {}
    try:
        project, _document = read(find(None))
        own = project.backends
    except SpecError:
        # `mlspec validate` reports what is wrong with a spec.
        pass
    for name, settings in PRESETS.items():
        if name not in own:
            yield name, Backend(**settings)
    yield from own.items()


def _reasons(backend: "Backend", no_gpu: str, engines: list[str]) -> Iterator[str]:
    from mlspec.rules.backend_contradicts_itself import contradictions
    from mlspec.rules.backend_not_servable import lacks

    if backend.engine not in engines:
        yield f"there is no engine '{backend.engine}' here"
    else:
        yield from _unusable(backend.engine)
    found = [message for _key, message in lacks(backend, libraries=True)]
    if not found and backend.device.startswith("cuda") and no_gpu:
        found = [no_gpu]
    yield from found
    yield from (message for _key, message, _label in contradictions(backend))


def _text(backend: "Backend") -> str:
    from mlspec.graph.computing import processes

    place = {"cpu": "on the CPU", "cuda": "on the GPU", "auto": "on a GPU if there is one"}.get(
        backend.device, f"on {backend.device}"
    )
    count = processes(backend)
    parts = [f"engine {backend.engine}, networks {place}"]
    parts += [f"in {backend.precision}"] if backend.precision != "fp32" else []
    parts += ["compiled"] if backend.compile else []
    parts += ["with portable instructions"] if backend.reproducible == "portable" else []
    parts += [f"{count} processes each"] if count > 1 else []
    parts += [f"on {backend.nodes} nodes"] if backend.nodes > 1 else []
    return ", ".join(parts)


def _folder() -> Finding:
    here = Path.cwd()
    if not os.access(here, os.W_OK):
        return Finding("folder", "missing", f"{here} is not writable: a project here can be checked, but not run")
    status = os.statvfs(here)
    return Finding("folder", "ok", f"{here} is writable; {status.f_bavail * status.f_frsize / 1e9:.1f} GB free")
