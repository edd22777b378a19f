"""What a release is to be made of contradicts the rest of the spec, or can never be made.

Why: a release is refused where a part of the model has no form in ONNX. What the spec alone shows is better known
before anything is trained.

Instead: the message says what is in the way. docs/operation.md lists the transforms and models that have a form in
ONNX.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.base import PluginRef
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.rules._roles import roles, treatments
from mlspec.rules.context import View

CODE = "release-does-not-fit"
AT: Path = ("operation", "release")
ABSENT = "or leave onnx out of operation.release.formats"


def check(view: View) -> Iterator[Diagnostic]:
    """``operation.release``: its formats, and what never has a form in them."""
    release = None if view.project.operation is None else view.project.operation.release
    if release is None:
        return
    for index, name in enumerate(release.formats):
        if name in release.formats[:index]:
            yield view.diagnostic(CODE, (*AT, "formats", index), f"the format '{name}' is named twice", "delete one")
    if "native" not in release.formats:
        message = "a release always has the native model"
        yield view.diagnostic(CODE, (*AT, "formats"), message, "add native")
    if "onnx" not in release.formats:
        if release.parity is not None:
            message = "parity is a bound of the ONNX file, which no format asks for"
            yield view.diagnostic(CODE, (*AT, "parity"), message, "add onnx to formats, or delete this")
        return
    for candidate, use in view.project.model.candidates.items():
        if isinstance(use.plugin, Model) and type(use.plugin).to_onnx is Model.to_onnx:
            message = f"candidate '{candidate}' ({use.name}) has no form in ONNX"
            yield view.diagnostic(
                CODE, ("model", "candidates", candidate), message, "use another model", ABSENT, key=True
            )
    yield from _preparation(view)
    for path, what in _before(view):
        yield view.diagnostic(CODE, path, f"{what} no form in ONNX", "delete this", ABSENT, key=True)


def _preparation(view: View) -> Iterator[Diagnostic]:
    stated = view.project.preprocessing
    lists: dict[Path, tuple[PluginRef, ...] | None] = {
        ("preprocessing", group): getattr(stated, group) for group in ("numeric", "category", "date", "image")
    }
    lists |= {("preprocessing", "columns", name): uses for name, uses in stated.columns.items()}
    for path, uses in lists.items():
        for index, use in enumerate(uses or ()):
            step = use.plugin
            if isinstance(step, Transform) and type(step).to_onnx is Transform.to_onnx and not step.by_level:
                message = f"'{use.name}' has no form in ONNX"
                yield view.diagnostic(CODE, (*path, index), message, "prepare the column otherwise", ABSENT)


def _before(view: View) -> Iterator[tuple[Path, str]]:
    """What is done to rows before the preparation, or chosen by them, with its place."""
    project = view.project
    features = {column.name for column in roles(project, view.columns()) if column.role == "feature"}
    for name in sorted(features & project.data.derive.keys()):
        yield ("data", "derive", name), f"'{name}' is a derived column, which has"
    for name in sorted(features & treatments(project).keys()):
        yield ("data", "personal", name), f"'{name}' is treated before it is a feature, which has"
    if project.model.personal is not None:
        yield ("model", "personal"), "models of groups have"
