"""Why a run is not released: all reasons at once, each a diagnostic."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import Document
from mlspec.engine.run.lockfile import Lock
from mlspec.machine import environment, git_state
from mlspec.report.facts.run import RunFacts
from mlspec.report.runs import stored
from mlspec.spec import Project
from mlspec.spec.dump import resolved
from mlspec.steps.serving import package_format

SHOWN = 5
NOT_DISTRIBUTIONS = frozenset({"mlspec", "python", "machine", "processor", "instructions"})


def chosen(root: Path, project: Project, lock: Lock | None) -> RunFacts:
    """The last run of the spec and the lock that are here; the last run at all, to be refused, where there is none.
    Raises SpecError where there are no runs."""
    current = (run for run in stored.every(root) if not any(_current(root, run, project, lock)))
    return next(current, None) or stored.find(root)


def refusals(root: Path, facts: RunFacts, project: Project, document: Document, lock: Lock | None) -> list[Diagnostic]:
    """What keeps a run from being released, but for approvals."""
    return [
        *_current(root, facts, project, lock),
        *_gates(facts, document),
        *_unchecked(facts, document),
        *_package(facts),
        *_environment(facts),
        *tree(root),
    ]


def _current(root: Path, facts: RunFacts, project: Project, lock: Lock | None) -> Iterator[Diagnostic]:
    """The run is one of the spec and the lock that are here, and was made here."""
    if not stored.is_ours(root, facts.id):
        yield _stale(f"run '{facts.id}' was made elsewhere", "mlspec verify --store --adopt accepts it unchanged")
        return
    if facts.profile is not None or facts.overrides:
        given = [
            *([f"--profile {facts.profile}"] if facts.profile else []),
            *(f"--set {one}" for one in facts.overrides),
        ]
        yield _stale(f"run '{facts.id}' was made with {' '.join(given)}", "mlspec run, without them")
        return
    if stored.page(root, facts, stored.RESOLVED) != resolved(project):
        yield _stale(f"the spec has changed since run '{facts.id}'", "mlspec run")
        return
    if lock is None or not _same_steps(facts, lock):
        which = "there is no mlspec.lock" if lock is None else "mlspec.lock is not that"
        yield _stale(f"{which} of run '{facts.id}'", "mlspec run, then commit the lock")


def _same_steps(facts: RunFacts, lock: Lock) -> bool:
    ran = {step.id: step.fingerprint for step in facts.steps}
    return {name: step.fingerprint for name, step in lock.steps.items()} == ran


def _gates(facts: RunFacts, document: Document) -> Iterator[Diagnostic]:
    decided = {gate.gate: gate for gate in facts.gates}
    for entry in facts.requirements:
        if entry.binding != "gate" or entry.waived or entry.verdict == "pass":
            continue
        gate = decided.get(entry.check)
        said = "was not reached" if gate is None else "fails" if gate.verdict == "fail" else "is undecided"
        notes = (gate.reason,) if gate is not None and gate.reason else ()
        message = f"{entry.check} {said}: {entry.text}"
        way = "or waive it, with a reason: constraints.waivers"
        yield _at(document, "gate-not-passed", message, entry.place, *notes, way)
    if facts.outcome in ("error", "interrupted"):
        message = f"run '{facts.id}' did not finish"
        yield Diagnostic(code="gate-not-passed", message=message, notes=("mlspec run",))


def _unchecked(facts: RunFacts, document: Document) -> Iterator[Diagnostic]:
    for entry in facts.requirements:
        if entry.binding == "nothing" and not entry.waived:
            message = f"the requirement '{entry.requirement}' has no check"
            yield _at(document, "requirement-without-check", message, entry.place, "add its metric, or waive it")


def _package(facts: RunFacts) -> Iterator[Diagnostic]:
    if facts.model is None:
        message, note = f"run '{facts.id}' has selected no model", "mlspec run"
        yield Diagnostic(code="no-model", message=message, notes=(note,))
        return
    try:
        package_format.verify(Path(facts.model), package_format.read_about(Path(facts.model)))
    except package_format.PackageError as error:
        yield Diagnostic(code=error.code, message=str(error), notes=error.notes)


def _environment(facts: RunFacts) -> Iterator[Diagnostic]:
    """The versions that are installed are those of the run: they are written into the bundle."""
    ran = distributions(facts.environment)
    now = environment.versions(ran)
    other = [f"{name} {version} (now {now[name]})" for name, version in ran.items() if now[name] != version]
    if other:
        yield _stale(
            f"run '{facts.id}' had other libraries: {', '.join(other)}",
            "mlspec run, or install the versions of the run",
        )


def distributions(versions: Mapping[str, str]) -> dict[str, str]:
    """Of a run's environment the distributions."""
    return {
        name: version
        for name, version in versions.items()
        if name not in NOT_DISTRIBUTIONS and version != environment.ABSENT
    }


def tree(root: Path) -> Iterator[Diagnostic]:
    """The files of the spec's folder are as in the last commit."""
    try:
        found = git_state.state(root)
    except SpecError as error:
        yield from error.diagnostics
        return
    code = "tree-not-clean"
    if found is None:
        message, note = "the spec is not in a git commit, so a release could not be traced to it", "git add, git commit"
        yield Diagnostic(code=code, message=message, notes=(note,))
    elif found.changed:
        more = len(found.changed) - SHOWN
        listed = ", ".join(found.changed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        note = "git commit them, or list them in .gitignore"
        yield Diagnostic(code=code, message=f"not as in the last commit: {listed}", notes=(note,))


def _stale(message: str, note: str) -> Diagnostic:
    return Diagnostic(code="run-not-current", message=message, notes=(note,))


def _at(document: Document, code: str, message: str, place: object, *notes: str) -> Diagnostic:
    from mlspec.diagnostics import Place, Span

    if not isinstance(place, Place) or place.file != document.file:
        return Diagnostic(code=code, message=message, notes=notes)
    span = Span(place.file, place.line, place.column, place.line, place.column + 1)
    return Diagnostic(code=code, message=message, span=span, notes=notes)
