"""The model would use other columns, or predict other classes, than the interface states.

Why: callers of the model rely on the interface; an added or removed column breaks them.

Instead: change the interface deliberately (callers must follow), or remove the column with `data.columns`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The stated inputs against the features, the stated classes against the target's values."""
    from mlspec.rules._roles import roles

    interface = view.project.project.interface
    if interface is None:
        return
    from mlspec.spec.expression import names as columns_of

    at = ("project", "interface", "inputs")
    personal = view.project.model.personal
    read = {None if personal is None else personal.key}
    mitigation = view.project.model.mitigation
    if mitigation is not None and mitigation.method == "thresholds":
        read.update(mitigation.group)
    seen = roles(view.project, view.columns())
    # Callers send personal columns as they come.
    features = {c.name: view.facts.raw_types.get(c.name, c.type) for c in seen if c.role == "feature" or c.name in read}
    known = {column.name for column in view.columns()}
    # What is derived from the columns of a row is not sent: those columns are.
    derive = view.project.data.derive
    raw = {name for made, text in derive.items() if made in features for name in columns_of(text)} - set(derive)
    features = {name: kind for name, kind in features.items() if name not in derive} | {
        column.name: column.type for column in view.columns() if column.name in raw
    }
    for name, kind in interface.inputs.items():
        if name not in features and name in known:
            message = f"the interface lists '{name}', which is not a feature"
            yield view.diagnostic("interface-differs", (*at, name), message, "the model does not use it", key=True)
        elif name in features and features[name] != kind:
            message = f"the interface states {kind} for '{name}', but it is {features[name]}"
            note = "data.columns.types sets types"
            yield view.diagnostic(
                "interface-differs",
                (*at, name),
                message,
                Hint(f"did you mean {features[name]}?", (features[name],)),
                note,
            )
    lacking = [name for name in features if name not in interface.inputs]
    if lacking:
        names = ", ".join(f"'{name}'" for name in lacking[:5]) + (" and others" if len(lacking) > 5 else "")
        message = f"the model needs {names}, which the interface does not list"
        yield view.diagnostic(
            "interface-differs", at, message, "add them to the interface, or drop them from the features", key=True
        )
    yield from _classes(view)


def _classes(view: View) -> Iterator[Diagnostic]:
    interface, levels = view.project.project.interface, view.facts.target_levels
    if interface is None or interface.classes is None:
        return
    at = ("project", "interface", "classes")
    if view.project.project.task == "regression":
        yield view.diagnostic(
            "interface-differs", at, "a regression predicts numbers, not classes", "delete it", key=True
        )
    elif levels is not None:
        stated = set(interface.classes)
        strange = sorted(set(levels) - stated)
        unseen = sorted(stated - set(levels)) if view.facts.all_rows_seen else []
        if strange:
            message = f"the target has the value '{strange[0]}', which is not one of the stated classes"
            yield view.diagnostic("interface-differs", at, message, key=True)
        if unseen:
            message = f"no row has the class '{unseen[0]}'"
            yield view.diagnostic("interface-differs", at, message, key=True)
