"""The ONNX file of a release, and the gate that it has to pass: the answers are those of the model."""

import math
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import Diagnostic, SpecError, StoreError
from mlspec.document import Document
from mlspec.release.bundle import Parity
from mlspec.report.facts.run import RunFacts
from mlspec.spec.operation.release import PARITY, Release

if TYPE_CHECKING:
    import numpy as np

    from mlspec.onnxkit.reading import Session
    from mlspec.steps.serving.package import Package

    Array = np.ndarray[Any, Any]

MOST_ROWS = 2000  # test rows that are compared
TEST = "test rows"


def made(root: Path, facts: RunFacts, wanted: Release, document: Document) -> tuple[bytes, Parity]:
    """The file of a run's model, and how near its answers are. Raises SpecError where there is none, or where they are
    too far apart."""
    from mlspec.onnxkit import reading
    from mlspec.onnxkit.graph import NoOnnxForm
    from mlspec.release import edge_rows
    from mlspec.rules.library_not_installed import demand_onnx
    from mlspec.steps.serving import package, package_format, to_onnx

    at = ("operation", "release", "formats")
    demand_onnx(document.span(at))
    folder = Path(facts.model or "")
    about = package_format.read_about(folder)
    try:
        if unmapped := next((name for name, _settings in about.models() if to_onnx.never_maps(name)), None):
            raise NoOnnxForm(f"the model '{unmapped}' has no form in ONNX")
        found = to_onnx.made(folder, about)
    except NoOnnxForm as error:
        message = f"'{facts.selected}' can't be released as ONNX: {error}"
        notes = ("leave onnx out: the native model serves it", "docs/operation.md lists what has a form in ONNX")
        span = document.span(at)
        raise SpecError(
            [Diagnostic(code="onnx-not-possible", message=message, span=span, notes=notes)], document.texts
        ) from None
    loaded = package.load(folder)
    session = reading.opened(found.content, about.raw_columns(), len(about.classes or ()))
    rows = _test_rows(root, facts, loaded)
    kinds = {TEST: rows, **edge_rows.made(about, loaded.seen(), found.thresholds, rows)}
    bound = wanted.parity or PARITY
    worst, of = max(
        (_difference(loaded, session, own, extreme=kind == edge_rows.EXTREMES), kind)
        for kind, own in kinds.items()
        if own
    )
    if worst > bound:
        message = f"model.onnx answers otherwise than the model on {of}: {_said(worst)}; at most {bound:g} is allowed"
        key = (*at[:-1], "parity" if wanted.parity is not None else "formats")
        note = f"compared: {', '.join(f'{len(own):,} {kind}' for kind, own in kinds.items())}"
        raise SpecError(
            [Diagnostic(code="onnx-differs", message=message, span=document.span(key), notes=(note,))], document.texts
        )
    counts = {kind: len(own) for kind, own in kinds.items() if own}
    version = metadata.version("onnxruntime")
    return found.content, Parity(bound=bound, largest=_rounded_up(worst), rows=counts, onnxruntime=version)


def _test_rows(root: Path, facts: RunFacts, loaded: "Package") -> list[dict[str, Any]]:
    import polars as pl

    from mlspec import paths
    from mlspec.store.store import Store

    digest = next((step.outputs.get("test") for step in facts.steps if step.id == "split"), None)
    try:
        if digest is None:
            raise FileNotFoundError
        place = Store(paths.store(paths.home(root))).path(digest)
        names = [name for name, _kind in loaded.about.raw_columns()]
        return loaded.checked(pl.scan_parquet(place).select(names).head(MOST_ROWS).collect()).to_dicts()
    except (OSError, StoreError, pl.exceptions.PolarsError):
        message, note = f"the test rows of run '{facts.id}' are no longer in the store", "mlspec run"
        raise SpecError([Diagnostic(code="test-rows-gone", message=message, notes=(note,))]) from None


def _difference(loaded: "Package", session: "Session", rows: Sequence[dict[str, Any]], *, extreme: bool) -> float:
    """The largest difference between the answers to rows; infinite where one of both has no answer."""
    import numpy as np

    expected, found = _native(loaded, rows), session.answer(rows)
    if loaded.about.classes is None:
        with np.errstate(all="ignore"):
            scale = np.maximum(1.0, np.abs(expected))
            apart = np.where(expected == found, 0.0, np.abs(expected - found) / scale)
    else:
        apart = np.abs(expected - found)
    # Numbers that float32 does not hold may have an answer in doubles where the model itself has none.
    nothing = np.isnan(expected) if extreme else np.isnan(expected) & np.isnan(found)
    apart = np.where(nothing, 0.0, apart)
    return float(np.where(np.isnan(apart), np.inf, apart).max())


def _native(loaded: "Package", rows: Sequence[dict[str, Any]]) -> "Array":
    """The model's answers; NaN for a row that it refuses."""
    import numpy as np
    import polars as pl

    from mlspec.steps.serving import new_rows

    schema = {name: new_rows.dtype(kind) for name, kind in loaded.about.raw_columns()}
    shape = () if loaded.about.classes is None else (len(loaded.about.classes),)

    def answers(frame: "pl.DataFrame") -> "Array":
        try:
            with np.errstate(all="ignore"):
                return loaded.predict(frame)
        except Exception:  # of whatever library: some rows have no answer
            half = frame.height // 2
            if not half:
                return np.full((1, *shape), np.nan)
            return np.concatenate([answers(frame[:half]), answers(frame[half:])])

    return answers(pl.DataFrame(list(rows), schema=schema))


def _said(apart: float) -> str:
    return f"by {apart:.2g}" if math.isfinite(apart) else "one of both has no answer"


def _rounded_up(value: float) -> float:
    """To one digit, so that it is the same on machines that differ in the last one."""
    if not value:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.ceil(value / power) * power:.0e}")
