"""A library that the run needs is not installed.

Why: the core installs in seconds and checks specs anywhere; libraries for computing are in the extra `run`. Without
them the first step would fail.

Instead: `pip install 'mlspec-compiler[run]'`; the label names what is missing.
"""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from mlspec import registry
from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.document import Document, Path
from mlspec.plugins.base import Plugin, PluginRef
from mlspec.rules.context import View
from mlspec.spec import Project

CODE = "library-not-installed"
MODULES = {"pillow": "PIL", "scikit-learn": "sklearn"}
LIBRARIES_OF_ONNX = ("onnx", "onnxruntime")
EVERY_RUN = ("numpy", "polars", "scikit-learn")
KINDS = {cls: kind[:-1] for kind, cls in registry.KINDS.items()}


def demand_dvc() -> None:
    """Raises SpecError where dvc is not installed."""
    if not _installed("dvc"):
        message, note = "this needs dvc, which is not installed", "pip install 'mlspec-compiler[dvc]'"
        raise SpecError([Diagnostic(code=CODE, message=message, notes=(note,))])


def demand_onnx(span: Span | None = None) -> None:
    """Raises SpecError where what writes and runs ONNX files is not installed."""
    absent = [name for name in LIBRARIES_OF_ONNX if not _installed(name)]
    if absent:
        message, note = f"ONNX files need {' and '.join(absent)}", "pip install 'mlspec-compiler[onnx]'"
        raise SpecError([Diagnostic(code=CODE, message=message, span=span, notes=(note,))])


def check(view: View) -> Iterator[Diagnostic]:
    """When a run is about to start: the libraries of every run, then those of each plug-in."""
    if view.running:
        yield from lacking(view.project, view.document)


def lacking(project: Project, document: Document) -> Iterator[Diagnostic]:
    """The libraries that a run of a project needs and that are not here, each at the place that needs it."""

    def missing(path: Path, who: str, library: str, way: str, *, key: bool = True) -> Diagnostic:
        message = f"{who} needs {library}, which is not installed here"
        return Diagnostic(code=CODE, message=message, span=document.span(path, key=key), label=f"pip install {way}")

    absent = [name for name in EVERY_RUN if not _installed(name)]
    if absent:
        message = f"a run needs {', '.join(absent)}, which {'is' if len(absent) == 1 else 'are'} not installed here"
        span, way = document.span(("data", "sources"), key=True), "pip install 'mlspec-compiler[run]'"
        yield Diagnostic(code=CODE, message=message, span=span, label=way)
        return
    if project.report.mlflow is not None and not _is_module("mlflow"):
        yield missing(("report", "mlflow"), "logging of runs", "mlflow", "'mlspec-compiler[mlflow]'")
    release = None if project.operation is None else project.operation.release
    for library in LIBRARIES_OF_ONNX if release is not None and "onnx" in release.formats else ():
        if not _installed(library):
            yield missing(("operation", "release", "formats"), "a release as ONNX", library, "'mlspec-compiler[onnx]'")
    if project.backend.store is not None and project.storage.encrypt is not None and not _installed("cryptography"):
        who, way = "encryption of the shared store", "'mlspec-compiler[stores]'"
        yield missing(("storage", "encrypt"), who, "cryptography", way, key=False)
    try:
        for library, way in of_engine(project.backend.engine):
            yield missing(("backend", "engine"), f"engine '{project.backend.engine}'", library, way, key=False)
    except registry.PluginError as error:
        span = document.span(("backend", "engine"))
        yield Diagnostic(code=error.code, message=str(error), span=span, label=error.label)
    for path, use in plugins((), project):
        who = f"{next(kind for cls, kind in KINDS.items() if isinstance(use.plugin, cls))} '{use.name}'"
        if getattr(use.plugin, "private", None) is not None and not _installed("opacus"):
            yield missing(path, f"private training of {who}", "opacus", "'mlspec-compiler[privacy]'")
        for library in use.plugin.libraries:
            if not _installed(library):
                yield missing(path, who, library, _way(type(use.plugin), library))


def plugins(path: Path, value: Any) -> Iterator[tuple[Path, PluginRef]]:
    """Every plug-in that a part of a spec uses, with its place."""
    if isinstance(value, PluginRef):
        yield path, value
    elif isinstance(value, Struct):
        for field in fields(value):
            yield from plugins((*path, field.encode_name), getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from plugins((*path, key), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from plugins((*path, index), item)


def of_engine(name: str) -> list[tuple[str, str]]:
    """The libraries that an engine needs and that are not here, each with what ``pip install`` takes for it.

    Raises PluginError where its module can't be imported.
    """
    module = registry.engine(name)
    needed: tuple[str, ...] = getattr(module, "LIBRARIES", ())
    return [(library, _way(module, library)) for library in needed if not _installed(library)]


def _installed(library: str) -> bool:
    from mlspec.machine import environment

    name = environment.normalised(library)
    # A distribution's name is not always that of its module, and not every installer leaves metadata.
    known = environment.versions([library])[name] != environment.ABSENT
    return known or _is_module(MODULES.get(name, name.replace("-", "_")))


def _is_module(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def _way(owner: type[Plugin] | ModuleType, library: str) -> str:
    """What ``pip install`` takes: the extra of ours that brings the library along, else the library."""
    extra = getattr(owner, "extra", "run") if isinstance(owner, type) else getattr(owner, "EXTRA", "run")
    module = owner.__module__ if isinstance(owner, type) else owner.__name__
    return f"'mlspec-compiler[{extra}]'" if module.startswith(("mlspec.", "mlspec_backends.")) else library
