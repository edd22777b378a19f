"""What ``mlspec compile --format dvc`` and ``dvc-params`` do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from mlspec.cli._output import show_diagnostics, talk
from mlspec.diagnostics import printable


class Overlays(TypedDict):
    """What ``api.compile`` takes beside the spec."""

    profile: str | None
    sets: Sequence[str]
    backend: str | None
    large: bool
    allow_outside: bool


def write(spec: str | None, init: bool, **laid_over: Unpack[Overlays]) -> int:
    """Write ``dvc.yaml`` and what it needs beside the spec, and say which stages are whose."""
    from mlspec import api

    compiled = api.compile(spec, **laid_over)
    show_diagnostics(compiled.checked.diagnostics, compiled.checked.document.texts)
    if init and api.init_dvc(spec):
        talk("created a DVC repository here")
    written = api.write_dvc(compiled)
    names = ", ".join(written.own)
    others = f"; {len(written.others)} left unchanged: {', '.join(written.others)}" if written.others else ""
    talk(printable(f"{len(written.own)} stages of dvc.yaml are mlspec's: {names}{others}"))
    _tell(written.changed, compiled.checked.root)
    return 0


def params(spec: str | None, **laid_over: Unpack[Overlays]) -> int:
    """Write the values that the stages track; an error where ``dvc.yaml`` does not hold the spec's stages."""
    from mlspec import api

    compiled = api.compile(spec, **laid_over)
    show_diagnostics(compiled.checked.diagnostics, compiled.checked.document.texts)
    _tell(api.write_dvc_params(compiled), compiled.checked.root)
    return 0


def _tell(changed: Sequence[str], root: Path) -> None:
    for name in changed:
        talk(printable(f"wrote {root / name}"))
    if not changed:
        talk("nothing changed")
