"""A setting breaks the guarantee of private training.

Why: DP-SGD bounds the influence of one row on one training. Class and row weights are computed from all rows and scale
the influence of a row; each further training on the same rows (trials, folds, repeats, members of a blend, groups,
parts of a learning curve) spends the budget again without being counted; several processes and low precision do not
compute gradients row by row.

Instead: remove one of the two; the message names both. You can tune settings on public data.
"""

from collections.abc import Iterator
from typing import Any

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

CODE = "private-training-broken"


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate that is to be trained privately."""
    project = view.project
    for name, use in project.model.candidates.items():
        private = getattr(use.plugin, "private", None)
        if private is None:
            continue
        at: Path = ("model", "candidates", name, "private")
        against = list(_against(view, name, use.plugin))
        if against:
            message = f"'{name}' cannot be trained privately with {', '.join(what for what, _why in against)}"
            reasons = (f"{what}: {why}" for what, why in against)
            yield view.diagnostic(CODE, at, message, "remove one of the two", *reasons, key=True)
        rows = view.facts.rows_seen
        if view.facts.all_rows_seen and private.delta * rows >= 1:
            message = f"delta {private.delta:g} would allow revealing one of the {rows:,} rows"
            yield view.diagnostic(CODE, (*at, "delta"), message, f"use a delta well below 1 / {rows:,}")


def _against(view: View, name: str, model: Any) -> Iterator[tuple[str, str]]:
    """What does not go with it, and why."""
    project = view.project
    stated, backend = project.model, view.project.backend
    if getattr(model, "class_weight", None) is not None:
        yield "class_weight", "class weights depend on all rows"
    if project.data.columns.weight is not None:
        yield "data.columns.weight", "a row's weight is scaled by the weights of all rows"
    again = "each further training on the same rows spends the budget again"
    if name in project.tuning:
        yield f"tuning.{name}", again
    if stated.cross_validation is not None:
        yield "model.cross_validation", again
    if stated.repeats > 1:
        yield "model.repeats", again
    if stated.ensemble != "none":
        yield "model.ensemble", again
    if stated.personal is not None:
        yield "model.personalization", again
    if stated.mitigation is not None and stated.mitigation.method != "thresholds":
        yield f"model.mitigation: {stated.mitigation.method}", "its weights depend on all rows"
    if project.evaluation.scaling is not None:
        yield "evaluation.scaling", again
    if backend.processes != 1:
        yield "backend.processes", "each row's gradient is computed in one process"
    if backend.precision in ("bf16", "fp16"):
        yield f"backend.precision: {backend.precision}", "gradients are clipped and summed in fp32"
    if backend.compile:
        yield "backend.compile", "per-row gradients cannot be compiled"
