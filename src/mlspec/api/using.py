"""Loads a selected or an exported model."""

import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.diagnostics import Diagnostic, SpecError, StepError, printable
from mlspec.machine import python_paths
from mlspec.specfile import find

if TYPE_CHECKING:
    from mlspec.steps.serving.package import LoadedModel, Package
    from mlspec.steps.serving.package_format import About, PackageError

SHOWN = 20  # files of code that are listed


@python_paths.only_own()
def load_model(
    model: str | os.PathLike[str] | None = None, *, device: str = "cpu", trust_code: bool = False
) -> "LoadedModel":
    """The selected model of a spec's last run, or the exported model in a folder or released bundle, ready to predict.

    A folder may come from anybody: its files must be those that its ``package.json`` lists, and it is loaded, and
    answers, in a process of its own. ``trust_code``: its author is trusted; it is loaded into this process, which
    answers sooner, and code that it brings along (``type: python``) is run, after its files are listed on the error
    stream. Raises SpecError when there is no model, or when it can't be used.
    """
    from mlspec.steps.serving import isolated, package_format

    folder = folder_of(model)
    try:
        about = package_format.read_about(folder)
        if package_format.brings_code(about):
            if not trust_code:
                raise SpecError([_untrusted(folder, about)])
            for line in _code(about, every=True):
                print(printable(line), file=sys.stderr)
        return _trusted(folder, about, device) if trust_code else isolated.Isolated(folder, device)
    except package_format.PackageError as error:
        raise refused(error) from None


def folder_of(model: str | os.PathLike[str] | None) -> Path:
    """The folder of an exported model, of that of a released bundle, or of the one that a spec's last run selected."""
    from mlspec.report.runs import stored
    from mlspec.steps.serving import package_format

    if model is not None and os.path.lexists(Path(model, package_format.ABOUT)):
        return Path(model)
    if model is not None and os.path.lexists(Path(model, "bundle.json")):
        return Path(model, "package")
    path = find(model)
    for run in stored.every(Path(path).parent):
        if run.model is not None:
            return Path(run.model)
    note = f"mlspec run {path}"
    raise SpecError([Diagnostic(code="no-model", message="no run of this project has selected a model", notes=(note,))])


def load_here(folder: Path, *, trust_code: bool, confine: Callable[[], object]) -> "Package":
    """The package in a folder in this process, which ``confine`` confines for good: before anything of the package is
    read, or behind its code where it brings some along and that is trusted. Raises SpecError as ``load_model`` does."""
    from mlspec.steps.serving import package, package_format

    try:
        about = package_format.read_about(folder)
        if not package_format.brings_code(about):
            confine()
            return package.load(folder)
        if not trust_code:
            raise SpecError([_untrusted(folder, about)])
        loaded = _trusted(folder, about, "cpu")
        confine()
        return loaded
    except package_format.PackageError as error:
        raise refused(error) from None


def _trusted(folder: Path, about: "About", device: str) -> "Package":
    """The model in this process: a copy of what was looked at, for code may read its files later."""
    from mlspec.steps.serving import package, package_format

    home = Path(tempfile.mkdtemp(prefix="mlspec-model-"))
    try:
        package_format.verify(folder, about, home)
        loaded = package.load(home, device)
    except StepError as error:
        shutil.rmtree(home, ignore_errors=True)
        file = getattr(error, "file", home)
        there = folder / file.relative_to(home) if file.is_relative_to(home) else file
        raise package_format.PackageError(str(error).replace(str(home), str(folder)), there) from error
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    weakref.finalize(loaded, shutil.rmtree, home, ignore_errors=True)
    return loaded


def _untrusted(folder: Path, about: "About") -> Diagnostic:
    return Diagnostic(
        code="package-brings-code",
        message=f"the model in '{folder}' contains code, which loading it would run",
        notes=(*_code(about), f"if you trust it: api.load_model({str(folder)!r}, trust_code=True)"),
    )


def _code(about: "About", *, every: bool = False) -> list[str]:
    """What loading a package would run, in lines; of many files only some, or ``every`` one."""
    from mlspec.steps.serving import package_format

    named = sorted({str(settings["code"]) for _name, settings in about.models() if "code" in settings})
    files = [f"{name} (SHA-256 {digest})" for name, digest in package_format.code_of(about).items()]
    shown = len(files) if every else SHOWN
    more = [f"and {len(files) - shown} more files"] if len(files) > shown else []
    return [f"code of the model: {', '.join(named)}", *files[:shown], *more]


def refused(error: "PackageError") -> SpecError:
    """The diagnostic of a folder that is no model which can be used."""
    where = "" if str(error.file) in str(error) else f"{error.file}: "
    return SpecError([Diagnostic(code=error.code, message=f"{where}{error}", notes=error.notes)])
