"""A search space of `tuning` is invalid: the model does not have a setting, or does not accept its values.

Why: a trial with an unknown setting would change nothing, and one with an invalid value would fail only after all the
data has been prepared.

Instead: give each setting one of `uniform`, `log`, `integer`, `log_integer` (two bounds, the smaller first; above 0 on
a logarithmic scale) or `choice`, with values that the setting accepts in the spec. Name a setting inside a setting of
your own model with a dot: `params.trees`.
"""

from collections.abc import Iterator
from typing import Any

from mlspec.diagnostics import Diagnostic, Hint
from mlspec.rules.context import View
from mlspec.spec.tuning import Dimension

CODE = "bad-tuning-space"


def check(view: View) -> Iterator[Diagnostic]:
    """Each dimension by itself, then its values against the model's setting."""
    for candidate, tuning in view.project.tuning.items():
        use = view.project.model.candidates.get(candidate)
        if use is None:
            continue
        path = ("tuning", candidate, "space")
        if tuning.space is None:
            if not getattr(use.plugin, "space", None):
                message = f"'{candidate}' ({use.name}) has no default search space"
                yield view.diagnostic(CODE, path[:2], message, "add `space`", key=True)
            continue
        for name, dimension in tuning.space.items():
            wrong = _wrong(name, dimension, type(use.plugin), use.name)
            if wrong is not None:
                where, message, label = wrong
                yield view.diagnostic(CODE, (*path, name, *where), message, label, key=not where)


def _wrong(
    name: str, dimension: Dimension, model: Any, model_name: str
) -> tuple[tuple[str, ...], str, str | Hint] | None:
    from mlspec.spec import suggest

    known = [field for field in model.__struct_fields__ if field != "type"]
    outer, _, inner = name.partition(".")
    if outer not in known:
        hint = suggest.label(outer, known)
        return (), f"{model_name} has no setting '{outer}'", (hint.text if inner else hint)
    kinds = dimension.kinds
    if len(kinds) != 1:
        given = " and ".join(f"'{kind}'" for kind in kinds) or "none"
        return (), f"'{name}' takes one of uniform, log, integer, log_integer, choice", f"given here: {given}"
    kind, values = kinds[0], getattr(dimension, kinds[0])
    if kind != "choice":
        low, high = values
        if not low < high:
            return (kind,), f"the bounds of '{name}' are not in ascending order", f"{low:g} is not less than {high:g}"
        if kind.startswith("log") and low <= 0:
            return (
                (kind,),
                f"'{name}' has a logarithmic scale, which cannot start at {low:g}",
                "both bounds must be above 0",
            )
    return None if inner else _refused(name, kind, values, model)


def _refused(name: str, kind: str, values: Any, model: Any) -> tuple[tuple[str, ...], str, str | Hint] | None:
    """The first value that the model's own setting would not take."""
    import msgspec

    wanted = next(f.type for f in msgspec.structs.fields(model) if f.name == name)
    for value in values:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            reason = str(error)
            return (kind,), f"'{name}' can't be {value!r}", reason[:1].lower() + reason[1:]
    return None
