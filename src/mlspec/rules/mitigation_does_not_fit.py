"""The mitigation of differences between groups is impossible as stated.

Why: each method has requirements: row weights that a model must support, decisions by group that the law may forbid, a
bound that a later threshold would undo. A setting that is silently ignored would look like fairness.

Instead: the label names the solution: another method, a declared column, a key to remove or to add.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.machine import safe_files
from mlspec.rules import _look, _roles
from mlspec.rules.context import View
from mlspec.spec.mitigation import Mitigation

CODE = "mitigation-does-not-fit"
AT: Path = ("model", "mitigation")
KINDS = ("category", "boolean")


def check(view: View) -> Iterator[Diagnostic]:
    """The method against the task, the groups, its own keys, and what else the spec asks of models and decisions."""
    stated = view.project.model.mitigation
    if stated is None:
        return
    task = view.project.project.task
    if task is not None and task != "binary_classification":
        message = f"mitigation does not apply to {task}, which has no positive class"
        yield view.diagnostic(CODE, AT, message, "it applies only to binary_classification", key=True)
        return
    yield from _groups(view, stated)
    yield from _keys(view, stated)
    yield from _others(view, stated)
    if stated.method != "thresholds":
        yield from _weights(view, stated)


def _groups(view: View, stated: Mitigation) -> Iterator[Diagnostic]:
    project, types = view.project, view.columns_of(None)
    people = {name for name, personal in project.data.personal.items() if personal.kind != "public"}
    known = {*project.data.columns.sensitive, *people} - _roles.dropped(project)
    node = view.document.node((*AT, "group"))
    listed = node is not None and node.kind == "list"
    for index, name in enumerate(stated.group):
        at: Path = (*AT, "group", index) if listed else (*AT, "group")
        if name not in types:
            continue  # reported by unknown-column
        if name == project.data.columns.target:
            yield view.diagnostic(CODE, at, f"'{name}' is the target and cannot define groups")
        elif name not in known:
            message = f"'{name}' is not declared as sensitive or personal"
            yield view.diagnostic(CODE, at, message, "list it in data.columns.sensitive, or under data.personal")
        elif types[name] not in KINDS:
            message = f"a group column must be of type {' or '.join(KINDS)}, but '{name}' is of type {types[name]}"
            yield view.diagnostic(CODE, at, message, "data.personal can put it into bins")
    split = project.data.split
    if split.by == "group" and split.column in stated.group:
        message = f"the split keeps each '{split.column}' in one part, so no group has rows in every part"
        yield view.diagnostic(CODE, ("data", "split", "column"), message, "split by another column")
    elif split.validation == 0 and split.by != "given":
        message = "the costs and benefits of mitigation are measured on validation rows, but there are none"
        yield view.diagnostic(CODE, AT, message, "give data.split.validation a share", key=True)


def _keys(view: View, stated: Mitigation) -> Iterator[Diagnostic]:
    method = stated.method
    if method == "thresholds" and not stated.lawful_basis.strip():
        message = "decisions would depend on group membership, but no lawful basis is stated"
        label = "state lawful_basis, or use reweighing or constrained"
        note = "in many jurisdictions it is not lawful: the law requires equal decisions for equal facts"
        yield view.diagnostic(CODE, (*AT, "method"), message, label, note)
    for key in ("metric", "at_most"):
        asked = getattr(stated, key) is not None
        if method == "reweighing" and asked:
            message = f"reweighing has no bound, so '{key}' would have no effect"
            yield view.diagnostic(CODE, (*AT, key), message, "delete it, or use another method", key=True)
        elif method != "reweighing" and not asked:
            yield view.diagnostic(CODE, AT, f"'{method}' needs '{key}'", key=True)
    if method != "constrained" and view.document.node((*AT, "rounds")) is not None:
        message = f"'rounds' does not apply to {method} and would have no effect"
        yield view.diagnostic(CODE, (*AT, "rounds"), message, "delete it", key=True)


def _others(view: View, stated: Mitigation) -> Iterator[Diagnostic]:
    model, mistakes = view.project.model, view.project.project.users.mistakes
    if model.personal is not None:
        message = "mitigation does not apply to the separate models of model.personalization"
        yield view.diagnostic(CODE, ("model", "personalization"), message, "delete it, or model.mitigation", key=True)
    users: Path = ("project", "users", "mistakes")
    if stated.method == "thresholds" and mistakes is not None:
        for key in ("recall", "precision"):
            if getattr(mistakes, key) is not None:
                message = f"thresholds per group can satisfy a bound on groups, but not also one on '{key}'"
                yield view.diagnostic(CODE, (*users, key), message, "delete it, or model.mitigation", key=True)
    if stated.method == "constrained":
        undone = "a threshold chosen after training would undo the bound that training satisfies"
        if mistakes is not None:
            yield view.diagnostic(CODE, users, undone, "delete it, or use method thresholds", key=True)
        if model.calibrate != "none":
            message = "recalibration changes decisions after training, which would undo the bound"
            yield view.diagnostic(CODE, ("model", "calibrate"), message, "delete it, or use method thresholds")
        if model.ensemble != "none":
            message = "a blend of models that satisfy the bound may violate it"
            yield view.diagnostic(CODE, ("model", "ensemble"), message, "delete it, or use another method")


def _weights(view: View, stated: Mitigation) -> Iterator[Diagnostic]:
    """A user's own class whose ``fit`` is seen to take no weights; it is read, never run."""
    for name, use in view.project.model.candidates.items():
        code = getattr(use.plugin, "code", None)
        if isinstance(code, str) and _takes_no_weights(view, code):
            message = f"candidate '{name}' does not support row weights: its fit has no sample_weight"
            label = f"{stated.method} needs row weights; thresholds works with any model"
            yield view.diagnostic(CODE, ("model", "candidates", name, "code"), message, label)


def _takes_no_weights(view: View, code: str) -> bool:
    import ast

    module, _, wanted = code.partition(":")
    file = view.facts.root.joinpath(*module.split(".")).with_suffix(".py")
    if not file.is_file() or _look.refusal(view.facts.reads, file):
        return False
    try:
        tree = ast.parse(safe_files.read(file, 4 << 20))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == wanted]
    fits = [node for cls in classes for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "fit"]
    if not fits:
        return False
    takes = fits[-1].args
    names = {argument.arg for argument in (*takes.posonlyargs, *takes.args, *takes.kwonlyargs)}
    return "sample_weight" not in names and takes.kwarg is None
