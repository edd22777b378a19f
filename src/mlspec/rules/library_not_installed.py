"""A library that the run needs is not installed.

Why: the core installs in seconds and checks specs anywhere; libraries for computing are in the extra `run`. Without
them the first step would fail.

Instead: `pip install 'mlspec-compiler[run]'`; the label names the extra that contains the library.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import Path
from mlspec.rules.context import View

MODULES = {"scikit-learn": "sklearn"}
EVERY_RUN = ("numpy", "polars", "scikit-learn")


def demand_dvc() -> None:
    """Raises SpecError where dvc is not installed."""
    if find_spec("dvc") is None:
        message, note = "this needs dvc, which is not installed", "pip install 'mlspec-compiler[dvc]'"
        raise SpecError([Diagnostic(code="library-not-installed", message=message, notes=(note,))])


def check(view: View) -> Iterator[Diagnostic]:
    """When a run is about to start: the libraries of every run, then each candidate's."""
    if not view.running:
        return
    way = "pip install 'mlspec-compiler[run]'"
    lacking = [name for name in EVERY_RUN if find_spec(MODULES.get(name, name)) is None]
    if lacking:
        message = f"a run needs {', '.join(lacking)}, which {'is' if len(lacking) == 1 else 'are'} not installed"
        yield view.diagnostic("library-not-installed", ("data", "sources"), message, way, key=True)
        return
    if view.project.report.mlflow is not None and find_spec("mlflow") is None:
        message = "logging runs needs mlflow, which is not installed"
        way = "pip install 'mlspec-compiler[mlflow]'"
        yield view.diagnostic("library-not-installed", ("report", "mlflow"), message, way, key=True)
    stored = view.project.backend.store
    if stored is not None and view.project.storage.encrypt is not None and find_spec("cryptography") is None:
        message = "encryption of the shared store needs cryptography, which is not installed"
        way = "pip install 'mlspec-compiler[stores]'"
        yield view.diagnostic("library-not-installed", ("storage", "encrypt"), message, way)
    path: Path
    for name, use in view.project.model.candidates.items():
        if getattr(use.plugin, "private", None) is not None and find_spec("opacus") is None:
            message = f"private training of candidate '{name}' needs opacus, which is not installed"
            path = ("model", "candidates", name)
            way = "pip install 'mlspec-compiler[privacy]'"
            yield view.diagnostic("library-not-installed", path, message, way, key=True)
        for library in use.plugin.libraries:
            if find_spec(MODULES.get(library, library)) is None:
                path = ("model", "candidates", name)
                message = f"candidate '{name}' ({use.name}) needs {library}, which is not installed"
                way = f"pip install 'mlspec-compiler[{getattr(use.plugin, 'extra', 'run')}]'"
                yield view.diagnostic("library-not-installed", path, message, way, key=True)
