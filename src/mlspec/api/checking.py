"""From a spec file to a checked project and a compiled graph."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlspec.diagnostics import Diagnostic, SourceError, SpecError
from mlspec.machine import python_paths
from mlspec.specfile import find

if TYPE_CHECKING:
    from mlspec.document import Document
    from mlspec.graph.build import Change
    from mlspec.graph.graph import Graph
    from mlspec.graph.plan import Plan
    from mlspec.graph.step import Step
    from mlspec.machine.allowed_reads import Reads
    from mlspec.rules._look import Settle
    from mlspec.rules.context import Facts
    from mlspec.spec import Project


class Fetching(msgspec.Struct, frozen=True):
    """How sources that are fetched are brought up to date: ``offline``, from their last snapshots alone; ``tell``
    receives progress messages; ``accept``: what has changed since mlspec.lock pinned it is taken as it is; ``locked``:
    the snapshots in mlspec.lock are used where they are here, only other sources are fetched."""

    offline: bool = False
    accept: bool = False
    tell: Callable[[str], None] = lambda _text: None
    locked: bool = False


FETCHING = Fetching()


class Checked(msgspec.Struct, frozen=True):
    """A spec without mistakes. ``project`` has everything filled in that follows from the task; ``diagnostics`` holds
    warnings alone, and mistakes too where ``inspect`` gives it."""

    path: str
    root: Path
    project: "Project"
    document: "Document"
    facts: "Facts"
    diagnostics: tuple[Diagnostic, ...] = ()


@python_paths.only_own()
def validate(
    spec: str | os.PathLike[str] | None = None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    running: bool = False,
    fetching: "Fetching | None" = None,
    allow_outside: bool = False,
    schema: bool = False,
    all_rows: bool = False,
    policies_of: str | os.PathLike[str] | None = None,
    text: str | None = None,
) -> Checked:
    """Read a spec and check it against the language, the data's headers and the rules.

    ``running``: what this machine lacks to run it is a mistake too, and files anywhere are read. ``fetching``: bring
    the sources that are fetched up to date first; without, nothing is connected to or run. ``allow_outside``: read
    files outside the spec's repository (or folder, where there is none) too. ``schema``: a second, independent reader
    first checks the structure, by the published JSON Schema. ``all_rows`` (and ``running``): all rows of a source
    are read where their types are not known yet; else the first ones tell. ``policies_of``: those in force for
    another file, where the spec is to be written. ``text``: what an editor holds in place of the file.
    Raises SpecError with everything that is wrong, SourceError if a source is unavailable.
    """
    keep: list[Callable[[], None]] = []
    checked, texts = _looked(
        spec,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        running=running,
        fetching=fetching,
        allow_outside=allow_outside,
        schema=schema,
        settle=_settle(keep.append) if running or all_rows else None,
        policies_of=policies_of,
        text=text,
    )
    if any(diagnostic.severity == "error" for diagnostic in checked.diagnostics):
        raise SpecError(checked.diagnostics, texts)
    for write in keep:
        write()
    return checked


@python_paths.only_own()
def inspect(spec: str | os.PathLike[str], text: str) -> Checked:
    """What an editor holds in place of a spec's file, checked as ``validate`` does; mistakes are in ``diagnostics``
    where the rest can be known, and else raised as SpecError."""
    return _looked(spec, text=text)[0]


def _looked(
    spec: str | os.PathLike[str] | None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    running: bool = False,
    fetching: "Fetching | None" = None,
    allow_outside: bool = False,
    schema: bool = False,
    settle: "Settle | None" = None,
    policies_of: str | os.PathLike[str] | None = None,
    text: str | None = None,
) -> tuple[Checked, dict[str, str]]:
    """What is known of a spec, and the texts that its diagnostics point into; see ``validate``."""
    from mlspec.machine import allowed_reads
    from mlspec.policy import files as policy_files
    from mlspec.rules.check import check, facts
    from mlspec.spec.read import composed, read
    from mlspec.spec.resolve import resolve

    path = find(spec)
    root = Path(path).parent
    reads = None if running or allow_outside else allowed_reads.around(root)
    # The backend first: a single setting is then one of that backend.
    settings = [*([] if backend is None else [_backend(backend)]), *sets]
    try:
        if schema:
            _check_by_schema(composed(path, profile=profile, sets=settings, large=large, reads=reads, text=text))
        project, document = read(path, profile=profile, sets=settings, large=large, reads=reads, text=text)
    except SpecError as error:
        error.texts |= {f"--set {key}": value for key, _, value in (setting.partition("=") for setting in settings)}
        raise
    if running:
        from mlspec.rules.library_not_installed import lacking

        # First of all: fetching, and looking at a source, may need them too.
        missing = list(lacking(project, document))
        if missing:
            raise SpecError(missing, document.texts)
    warnings: list[Diagnostic] = []
    if fetching is not None:
        from mlspec.snapshots.snapshots import refresh

        warnings = refresh(
            project, document, root, offline=fetching.offline, locked=fetching.locked, tell=fetching.tell
        )
    known, found = facts(project, document, root, reads, locked=fetching is not None and fetching.locked, settle=settle)
    if fetching is not None and fetching.accept:
        known = msgspec.structs.replace(known, accepted=True)
    found += warnings
    project = resolve(project, known.schemas, known.target_levels)
    found += check(project, document, known, running=running)
    texts = dict(document.texts)
    home = os.fspath(policies_of or path)
    for place in policy_files.present(os.path.dirname(home) or os.curdir):
        found += _by_policy(place, home, project, document, reads, texts)
    return Checked(path, root, project, document, known, tuple(found)), texts


def _settle(later: Callable[[Callable[[], None]], None]) -> "Settle":
    """Looks at all rows; what is found is kept by what ``later`` receives, once the spec is known to be valid."""
    from mlspec.sources import _all_rows

    return functools.partial(_all_rows.settle, later=later)


def _by_policy(
    place: str,
    spec: str,
    project: "Project",
    document: "Document",
    reads: "Reads | None",
    texts: dict[str, str],
) -> list[Diagnostic]:
    """What the policy in a file finds wrong with a resolved spec, or what is wrong with the policy, whose text is added
    to ``texts``."""
    from mlspec.policy.check import violations
    from mlspec.policy.files import shown
    from mlspec.policy.reading import from_file

    try:
        read = from_file(place, shown(place), reads)
    except SpecError as error:
        texts |= error.texts
        return list(error.diagnostics)
    texts |= read.document.texts
    return violations(read, os.path.dirname(place), project, document, spec)


def _check_by_schema(document: "Document") -> None:
    """Raises SpecError with everything in a spec that the published JSON Schema refuses."""
    from mlspec.spec import plugin_settings, schema, schema_check

    unclear = list(plugin_settings.faults())
    if unclear:
        raise SpecError(unclear)
    found = schema_check.violations(document, schema.schema(), "schema-violation")
    if found:
        raise SpecError(found, document.texts)


def _backend(name: str) -> str:
    from mlspec import registry
    from mlspec.spec.backend import PRESETS

    if name not in PRESETS and registry.has(registry.ENGINES, name):
        return f"backend.engine={name}"
    return f"backend={name}"


class Compiled(msgspec.Struct, frozen=True):
    """A compiled spec: the graph of its steps in ``plan.graph``, what would become of each, what each pass changed.

    ``profile`` and ``overrides`` were applied to the spec; ``whole`` is false for a part of its graph.
    ``renew``: what mlspec.lock pins of the data is to be as it is now.
    """

    checked: Checked
    plan: "Plan"
    changes: tuple["Change", ...] = ()
    profile: str | None = None
    overrides: tuple[str, ...] = ()
    whole: bool = True
    renew: bool = False


@python_paths.only_own()
def compile(  # noqa: A001 (the verb of the command)
    spec: str | os.PathLike[str] | None = None,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    backend: str | None = None,
    large: bool = False,
    only: Sequence[str] = (),
    running: bool = False,
    fetching: Fetching | None = None,
    allow_outside: bool = False,
) -> Compiled:
    """Check a spec and compile it: its steps, which of them would run, and why. Runs nothing.

    ``only``: these steps and what they need; ``running``, ``fetching`` and ``allow_outside``: as for ``validate``.
    Raises SpecError with everything that is wrong.
    """
    from mlspec.engine.planning import plan_graph
    from mlspec.engine.source_changes import changed
    from mlspec.graph.build import compile_graph

    checked = validate(
        spec,
        profile=profile,
        sets=sets,
        backend=backend,
        large=large,
        running=running,
        fetching=fetching,
        allow_outside=allow_outside,
    )
    changes: list[Change] = []
    graph = compile_graph(checked.project, checked.facts, checked.document, changes.append)
    renew = fetching is not None and fetching.accept
    other = [] if renew or (fetching is not None and fetching.locked) else changed(graph)
    if any(diagnostic.severity == "error" for diagnostic in other):
        raise SourceError([*checked.diagnostics, *other], checked.document.texts)
    checked = msgspec.structs.replace(checked, diagnostics=(*checked.diagnostics, *other))
    if only:
        graph = graph.leading_to([step_named(graph, name).id for name in only])
    overrides = (*([] if backend is None else [f"backend={backend}"]), *sets)
    return Compiled(checked, plan_graph(graph), tuple(changes), profile, overrides, not only, renew)


def step_named(graph: "Graph", name: str) -> "Step":
    """The step of that id, or the one that it was merged into. Raises SpecError where there is none."""
    found = graph.find(name)
    if found is None:
        from mlspec.spec.suggest import nearest

        guess = nearest(name, graph.steps)
        note = f"did you mean '{guess}'?" if guess else "mlspec compile lists the steps"
        raise SpecError([Diagnostic(code="unknown-step", message=f"there is no step '{name}'", notes=(note,))])
    return found


def overlays(compiled: Compiled) -> list[str]:
    """What was applied to a spec and changes its results, as options of the command line: a backend does where it is of
    another device, and does not where others carry the same steps out."""
    from mlspec.spec.read import read

    profile = [] if compiled.profile is None else ["--profile", compiled.profile]
    backend = [value for value in compiled.overrides if value.startswith("backend=")]
    sets = [value for value in compiled.overrides if value not in backend]
    if backend:
        own = read(compiled.checked.path, profile=compiled.profile, sets=sets, large=True)[0].backend
        now = compiled.checked.project.backend
        decisive = ("device", "precision", "compile", "reproducible")
        if all(getattr(own, name, None) == getattr(now, name, None) for name in decisive):
            backend = []
    return [*profile, *(word for value in (*backend, *sets) for word in ("--set", value))]
