"""The code of your own model or source was not found.

Why: it is imported only when its step runs; an error would waste all steps before it. The file is read, never run.

Instead: `code: module:Class` for a model, `code: module:function` for a source, with `module.py` next to the spec or
installed.
"""

from collections.abc import Iterator
from pathlib import Path

from mlspec.diagnostics import Diagnostic
from mlspec.machine import safe_files
from mlspec.rules import _look
from mlspec.rules.context import View

LARGEST = 4 << 20


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate and each source that names code."""
    project = view.project
    named = [(("model", "candidates", name, "code"), use, "class") for name, use in project.model.candidates.items()]
    named += [(("data", "sources", name, "code"), use, "def") for name, use in project.data.sources.items()]
    for path, use, keyword in named:
        code = getattr(use.plugin, "code", None)
        if not isinstance(code, str):
            continue
        module, _, wanted = code.partition(":")
        if not module or not wanted:
            yield view.diagnostic("user-code-not-found", path, f"'{code}' is not a class", "write it as module:Class")
            continue
        file = _file(view.facts.root, module)
        if file is None:
            message = f"there is no module '{module}' next to the spec"
            note = "searched for " + module.replace(".", "/") + ".py; an installed package is found when the step runs"
            yield view.diagnostic("user-code-not-found", path, message, "", note, severity="warning")
        elif closed := _look.refusal(view.facts.reads, file):
            yield _look.refused(view.document, path, file.name, closed)
        elif f"{keyword} {wanted}" not in _text(file):
            message = f"{file.name} defines no {'class' if keyword == 'class' else 'function'} '{wanted}'"
            yield view.diagnostic("user-code-not-found", path, message)


def _text(file: Path) -> str:
    try:
        return safe_files.read(file, LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _file(root: Path, module: str) -> Path | None:
    stem = root.joinpath(*module.split("."))
    places = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((p for p in places if p.is_file()), None)
