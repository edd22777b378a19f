"""What is beside a spec in its version: the columns of its data, and what identifies each file's content."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import SpecError
from mlspec.diff import pointers
from mlspec.diff.blobs import LARGEST_POINTER, hash_of, is_pointer
from mlspec.diff.version import Version, content, copied, copy_module, token
from mlspec.document import Document
from mlspec.engine.run.lockfile import NAME, Lock, decode
from mlspec.graph.user_code import source_files
from mlspec.machine import allowed_reads, safe_files
from mlspec.machine.allowed_reads import Reads
from mlspec.plugins.base import Column, Schema
from mlspec.plugins.source import Source
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.pinned import unreadable

MOST_LOCK = 64 << 20
MOST_CODE = 4 << 20
UNREADABLE = "unreadable"


class Surroundings(Struct, frozen=True):
    """``facts``: the columns of the data, None with the reason in ``unknown`` if they are unknown. ``tokens``: what
    identifies the content of each file that steps read; ``code``: of the modules behind ``module:Class``; ``pinned``:
    the columns come from a lock, which has only those that were read."""

    facts: Facts | None
    unknown: str | None
    tokens: dict[str, str]
    notes: tuple[str, ...]
    code: dict[str, dict[str, str]]
    lock: Lock | None
    pinned: bool = False


def surroundings(
    one: Version,
    project: Project,
    document: Document,
    other: Version,
    others: Project,
    second: Document,
    allow_outside: bool = False,
) -> tuple[Surroundings, Surroundings]:
    """What is beside two versions. Where data is in neither git nor the working tree, the locks provide its columns.

    Raises SpecError where one leads to a file outside its repository, unless that is allowed.
    """
    if not allow_outside:
        _refuse_outside(one, project, document)
        _refuse_outside(other, others, second)
    locks, notes = _locks(one, other)
    sides = ((one, project, document), (other, others, second))
    with tempfile.TemporaryDirectory(prefix="mlspec-diff-") as scratch:
        copies = [_placed(version, of, Path(scratch, str(index))) for index, (version, of, _) in enumerate(sides)]
        if all(found is not None for found in copies):
            is_same = one.root == other.root and copies[0] == copies[1]
            known = [
                _from_files(version, cast(Project, found), said, None if allow_outside else _reads(version, scratch))
                for (version, _, said), found in zip(sides[is_same:], copies[is_same:], strict=True)
            ]
            known = known * 2 if is_same else known
        else:
            # The information in a lock and in a file differs: both sides are read alike.
            known = [_from_locks(one, project, others, locks), _from_locks(other, others, project, locks)]
    first, later = (
        Surroundings(facts, unknown, *_tokens(version, of, lock, against), _code(version, of), lock, None in copies)
        for (facts, unknown), (version, of, _), lock, against in zip(known, sides, locks, (other, one), strict=True)
    )
    if None not in copies:
        # Of data that is only pointed to, no more than one version can be here.
        notes += tuple(
            f"the columns of '{path}' are those of the data here, for both sides"
            for path, own in first.tokens.items()
            if pointers.is_one(own) and later.tokens.get(path, own) != own
        )
    return replace(first, notes=(*notes, *first.notes)), later


def _reads(version: Version, scratch: str) -> Reads:
    """What may be read of a version: its repository, and what was copied out of git."""
    return allowed_reads.with_folder(allowed_reads.around(version.root), scratch)


def _refuse_outside(version: Version, project: Project, document: Document) -> None:
    """Raises SpecError with each place that leads to a file which may not be read."""
    from mlspec.rules import _look

    reads = allowed_reads.around(version.root)
    found = _look.outside(project, document, version.root, reads)
    for index, use in enumerate(project.evaluation.baselines or ()):
        lock = getattr(use.plugin, "lock", None)
        if isinstance(lock, str) and (why := _look.refusal(reads, version.root / lock)):
            found.append(_look.refused(document, ("evaluation", "baselines", index), lock, why))
    for name, code in _named_code(project).items():
        other = allowed_reads.refused(reads, source_files(version.root, code, reads).values())
        if other is not None:
            at = ("model", "candidates", name, "code")
            found.append(_look.refused(document, at, _look.shown(version.root, other[0]), other[1]))
    if found:
        raise SpecError(found, document.texts)


def _placed(version: Version, project: Project, scratch: Path) -> Project | None:
    """The project with sources whose content is that of the version: those here, or copied out of git. None where one
    is nowhere."""
    here = replace(version, commit=None)
    sources = {}
    for name, use in project.data.sources.items():
        source = cast(Source, use.plugin)
        path = getattr(source, "path", None)
        if not isinstance(path, str) or source.is_fetched:
            # What is fetched is known by its snapshot and the lock alone: nothing is fetched here.
            sources[name] = use
            continue
        own = None if version.commit is None else token(version, path)
        is_here = own is None or own == token(here, path, version)
        copy = None if is_here else copied(version, path, scratch / name)
        if copy is not None:
            source = replace(source, path=copy)
        elif not (version.root / path).exists() or is_pointer(content(here, path, LARGEST_POINTER) or b""):
            return None
        sources[name] = replace(use, plugin=source)
    return replace(project, data=replace(project.data, sources=sources))


def _from_files(
    version: Version, project: Project, document: Document, reads: Reads | None
) -> tuple[Facts | None, str | None]:
    from mlspec.rules.check import facts

    found, wrong = facts(project, document, version.root, reads)
    return (None, wrong[0].message) if wrong else (found, None)


def _from_locks(
    version: Version, project: Project, other: Project, locks: Sequence[Lock | None]
) -> tuple[Facts | None, str | None]:
    """The columns that the locks have of each source; what values the target takes they don't say, nor what columns
    there are that nothing reads."""
    schemas: dict[str, Schema] = {}
    dropped = set(project.data.columns.drop)
    for name, use in project.data.sources.items():
        path = getattr(use.plugin, "path", None)
        every = [entry for lock in locks if lock is not None for entry in lock.sources.items()]
        pinned = [locked for key, locked in every if path in locked.files or key == name]
        if not pinned:
            return None, f"the data of source '{name}' is neither in git nor here, and no mlspec.lock knows its columns"
        columns = {column: kind for locked in reversed(pinned) for column, kind in locked.columns.items()}
        taken_in = sorted(set(other.data.columns.drop) - dropped - set(columns))
        if taken_in:
            return None, f"the data is not here, and no mlspec.lock knows the type of column '{taken_in[0]}'"
        columns |= dict.fromkeys(sorted(dropped - set(columns)), "category")
        schemas[name] = tuple(Column(column, cast(Any, kind)) for column, kind in columns.items())
    return Facts(root=version.root, schemas=schemas), None


def _tokens(
    version: Version, project: Project, lock: Lock | None, other: Version
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What identifies the content of each file that steps read, and what is to be said of it."""
    tokens: dict[str, str] = {}
    notes = []
    for path in _paths(project):
        found, note = pointers.identified(version, path, other)
        if note is not None:
            notes.append(note)
        if found is None and version.commit is not None:
            # Data that git does not hold is taken as it is in the working tree: the same for both.
            found = token(replace(version, commit=None), path)
            if found is not None:
                notes.append(f"'{path}' is not in git: what lies here is taken for both sides")
        if found is None and lock is not None:
            found = next((s.files[path] for s in lock.sources.values() if path in s.files), None)
        tokens[path] = found or "unknown"
    return tokens, tuple(notes)


def _paths(project: Project) -> Iterator[str]:
    """The files and folders that steps read beside a spec, as the spec names them."""
    for use in project.data.sources.values():
        path = getattr(use.plugin, "path", None)
        if isinstance(path, str):
            yield path
    for use in project.evaluation.baselines or ():
        lock = getattr(use.plugin, "lock", None)
        if isinstance(lock, str):
            yield lock


def _locks(base: Version, head: Version) -> tuple[tuple[Lock | None, Lock | None], tuple[str, ...]]:
    """The locks of two versions, and what is wrong with that of the base. Raises SpecError for a head's that can't be
    read: it would count as none."""
    try:
        later = _lock(head)
    except ValueError as error:
        raise unreadable(head.root / NAME, f"{error} ({head.label})") from None
    try:
        return (_lock(base), later), ()
    except ValueError as error:
        return (None, later), (f"mlspec.lock of {base.label} can't be read: {error}",)


def _lock(version: Version) -> Lock | None:
    data = content(version, NAME, MOST_LOCK)
    return None if data is None else decode(data)


def _named_code(project: Project) -> dict[str, str]:
    """The users' own classes, as ``module:Class``, by the candidates that they are of."""
    uses = project.model.candidates.items()
    return {name: code for name, use in uses if isinstance(code := getattr(use.plugin, "code", None), str)}


def _code(version: Version, project: Project) -> dict[str, dict[str, str]]:
    """What identifies the content of users' own modules, by ``module:Class``."""
    named = sorted(set(_named_code(project).values()))
    if not named:
        return {}
    with tempfile.TemporaryDirectory(prefix="mlspec-diff-") as scratch:
        root = version.root
        if version.commit is not None:
            root = Path(scratch)
            copied_modules: set[str] = set()
            for code in named:
                _copy_modules(version, root, code, copied_modules)
        return {code: {n: _digest(file) for n, file in source_files(root, code).items()} for code in named}


def _digest(file: Path) -> str:
    try:
        return hash_of(file, text=True)
    except OSError:
        return UNREADABLE


def _copy_modules(version: Version, root: Path, code: str, done: set[str]) -> None:
    """Copy out of git the module of ``module:Class`` and all that it imports, whole packages at a time; ``done`` has
    those that were copied before."""
    waiting = {code.partition(":")[0].partition(".")[0]}
    while waiting:
        done |= waiting
        for name in sorted(waiting):
            copy_module(version, name, root)
        found = source_files(root, code).values()
        waiting = {name.partition(".")[0] for file in found for name in _imported(file)} - done


def _imported(file: Path) -> Iterator[str]:
    """What a file imports by name, and perhaps more: names that mean nothing here are looked for in vain."""
    import ast

    try:
        tree = ast.parse(safe_files.read(file, MOST_CODE))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.name for name in node.names)
