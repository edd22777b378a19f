"""Where a run's facts and pages lie, and how they are found again."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mlspec import paths
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import parse
from mlspec.engine.run import run_record
from mlspec.machine import json_values, safe_files, seals, whole_files
from mlspec.report.facts.run import RunFacts, encode
from mlspec.steps.serving import package_format

FACTS, PAGE, SUMMARY, MODEL, CARD = "facts.json", "report.html", "summary.md", "model", "README.md"
EVIDENCE, RESOLVED = "evidence.jsonl", "resolved.yaml"
SEAL = "seal"  # what the files of a run were when they were written here
SEALED = (FACTS, PAGE, SUMMARY, EVIDENCE, RESOLVED, run_record.FILE, f"{MODEL}/{package_format.ABOUT}")
LOOKED_AT = 5
RUNS = Path(".mlspec") / "runs"


def save(facts: RunFacts, folder: Path, texts: Mapping[str, str]) -> None:
    """Write a run's texts (by their paths in its folder) and then its facts, each whole or not at all."""
    for name, text in texts.items():
        file = folder / name
        if file.parent.is_dir():
            whole_files.replace(file, text.encode())
    last = encode(facts).encode()
    _seal(folder, {FACTS: last})
    whole_files.replace(folder / FACTS, last)


def is_ours(root: Path, run: str) -> bool:
    """Whether a run's facts and pages are those that were written here: a run's folder can be copied or committed."""
    folder = root / RUNS / run
    try:
        content = seals.opened(safe_files.read(folder / SEAL), seals.key(paths.store(paths.home(root))))
        return content is not None and content == _digests(folder, {})
    except OSError:
        return False


def adopt(root: Path) -> None:
    """Take all runs that are here as made here."""
    for name in names(root):
        _seal(root / RUNS / name, {})


def _seal(folder: Path, texts: Mapping[str, bytes]) -> None:
    key = seals.key(paths.store(folder.parents[1]))
    if key is not None:
        whole_files.replace(folder / SEAL, seals.sealed(_digests(folder, texts), key), sync=False)


def _digests(folder: Path, texts: Mapping[str, bytes]) -> bytes:
    """Identifies the state of a run's text files, some of which may not exist yet."""
    lines = [folder.name]
    for name in SEALED:
        try:
            content = texts[name] if name in texts else safe_files.read(folder / name)
        except (FileNotFoundError, NotADirectoryError):
            content = b""
        lines.append(f"{name} {hashlib.sha256(content).hexdigest()}")
    return "\n".join(lines).encode()


def names(root: Path) -> list[str]:
    """The ids of the runs whose facts were written, oldest first."""
    try:
        found = sorted(os.listdir(root / RUNS))
    except OSError:
        return []
    folders = [root / RUNS / name for name in found if run_record.ID.fullmatch(name)]
    return [folder.name for folder in folders if (folder / FACTS).is_file() and not folder.is_symlink()]


def every(root: Path) -> Iterator[RunFacts]:
    """All runs that can be read, newest first."""
    for name in reversed(names(root)):
        try:
            yield _read(root, name)
        except (OSError, ValueError):
            continue


def with_results_of(root: Path, facts: RunFacts, spec: str) -> RunFacts | None:
    """The latest of the last runs here that ended with the very results of this one, which had nothing to do, and was
    one of the same spec (``spec``: its resolved text)."""
    wanted = {step.id: step.fingerprint for step in facts.steps}
    for count, run in enumerate(every(root)):
        same = {step.id: step.fingerprint for step in run.steps} == wanted
        if same and is_ours(root, run.id) and page(root, run, RESOLVED) == spec:
            return run
        if count == LOOKED_AT:
            break
    return None


def find(root: Path, run: str | None = None) -> RunFacts:
    """A run by its id or the beginning of it; the last one without. Raises SpecError when there is none, or several."""
    if run is None:
        last = next(every(root), None)
        if last is None:
            raise _missing("there are no runs here yet", "mlspec run")
        return last
    fitting = [name for name in names(root) if name.startswith(run)]
    if len(fitting) != 1:
        line = f"there is no run '{run}'" if not fitting else f"'{run}' matches {len(fitting)} runs"
        raise _missing(line, "mlspec runs lists them")
    try:
        return _read(root, fitting[0])
    except (OSError, ValueError) as error:
        raise damaged(root, fitting[0], error) from None


def page(root: Path, facts: RunFacts, name: str) -> str:
    """A page of a run. Raises SpecError where it can't be read."""
    try:
        return safe_files.read(root / RUNS / facts.id / name).decode("utf-8")
    except (OSError, ValueError) as error:
        raise damaged(root, facts.id, error) from None


def damaged(root: Path, run: str, error: Exception) -> SpecError:
    """A run's folder can't be used."""
    why = (error.strerror or "it cannot be opened").lower() if isinstance(error, OSError) else str(error)
    return _missing(f"run '{run}' cannot be read: {why}", f"remove '{root / RUNS / run}', and run again")


def resolved(root: Path, facts: RunFacts) -> dict[str, Any] | None:
    """The spec as it was run, with its defaults; None where it was not kept."""
    try:
        found = parse(safe_files.read(root / RUNS / facts.id / RESOLVED), RESOLVED, large=True).data
    except (OSError, SpecError):
        return None
    return found if isinstance(found, dict) else None


def _read(root: Path, name: str) -> RunFacts:
    """A run with its paths as they are seen from here, wherever it was run from."""
    folder = root / RUNS / name
    facts = json_values.read(folder / FACTS, RunFacts)
    model = folder / MODEL
    return msgspec.structs.replace(
        facts, id=name, folder=str(folder), report=str(folder / PAGE), model=str(model) if model.is_dir() else None
    )


def _missing(message: str, note: str) -> SpecError:
    return SpecError([Diagnostic(code="run-not-found", message=message, notes=(note,))])
