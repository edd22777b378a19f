"""Where a run's facts and pages lie, and how they are found again."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import whole_files
from mlspec.report.facts import RunFacts, encode

FACTS, PAGE, SUMMARY, MODEL, CARD = "facts.json", "report.html", "summary.md", "model", "README.md"
EVIDENCE, RESOLVED = "evidence.jsonl", "resolved.yaml"
LOOKED_AT = 5
RUNS = Path(".mlspec") / "runs"


def save(facts: RunFacts, folder: Path, texts: Mapping[str, str]) -> None:
    """Write a run's texts (by their paths in its folder) and then its facts, each whole or not at all."""
    for name, text in {**texts, FACTS: encode(facts)}.items():
        file = folder / name
        if file.parent.is_dir():
            whole_files.replace(file, text.encode())


def names(root: Path) -> list[str]:
    """The ids of the runs whose facts were written, oldest first."""
    try:
        found = sorted(os.listdir(root / RUNS))
    except OSError:
        return []
    return [name for name in found if (root / RUNS / name / FACTS).is_file()]


def every(root: Path) -> Iterator[RunFacts]:
    """All runs that can be read, newest first."""
    for name in reversed(names(root)):
        try:
            yield _read(root, name)
        except (OSError, msgspec.MsgspecError):
            continue


def with_results_of(root: Path, facts: RunFacts) -> RunFacts | None:
    """The latest of the last runs that ended with the very results of this one, which had nothing to do."""
    wanted = {step.id: step.fingerprint for step in facts.steps}
    for count, run in enumerate(every(root)):
        if {step.id: step.fingerprint for step in run.steps} == wanted:
            return run
        if count == LOOKED_AT:
            break
    return None


def find(root: Path, run: str | None = None) -> RunFacts:
    """A run by its id or the beginning of it; the last one without. Raises SpecError when there is none, or several."""
    if run is None:
        last = next(every(root), None)
        if last is None:
            raise _missing("nothing has been run here yet", "mlspec run")
        return last
    fitting = [name for name in names(root) if name.startswith(run)]
    if len(fitting) != 1:
        told = f"there is no run '{run}'" if not fitting else f"'{run}' is the beginning of {len(fitting)} runs"
        raise _missing(told, "mlspec runs lists them")
    try:
        return _read(root, fitting[0])
    except (OSError, msgspec.MsgspecError) as error:
        raise _missing(f"run '{fitting[0]}' can't be read: {error}", "mlspec report makes it anew") from None


def resolved(root: Path, facts: RunFacts) -> dict[str, Any] | None:
    """The spec as it was run, with its defaults; None where it was not kept."""
    import yaml

    try:
        found = yaml.safe_load((root / RUNS / facts.id / RESOLVED).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


def _read(root: Path, name: str) -> RunFacts:
    """A run with its paths as they are seen from here, wherever it was run from."""
    folder = root / RUNS / name
    facts = msgspec.json.decode((folder / FACTS).read_bytes(), type=RunFacts)
    model = folder / MODEL
    return msgspec.structs.replace(
        facts, folder=str(folder), report=str(folder / PAGE), model=str(model) if model.is_dir() else None
    )


def _missing(message: str, note: str) -> SpecError:
    return SpecError([Diagnostic(code="run-not-found", message=message, notes=(note,))])
