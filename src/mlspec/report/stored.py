"""Where a run's facts and pages lie, and how they are found again."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.report.facts import RunFacts, encode

FACTS, PAGE, SUMMARY, MODEL = "facts.json", "report.html", "summary.md", "model"
EVIDENCE = "evidence.jsonl"
LOOKED_AT = 5
RUNS = Path(".mlspec") / "runs"


def save(facts: RunFacts, folder: Path, page: str, summary: str) -> None:
    """Write a run's facts, page and summary into its folder, each whole or not at all."""
    for name, text in ((PAGE, page), (SUMMARY, summary), (FACTS, encode(facts))):
        aside = folder / f".{name}.{os.getpid()}"
        aside.write_text(text, encoding="utf-8")
        aside.replace(folder / name)


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
