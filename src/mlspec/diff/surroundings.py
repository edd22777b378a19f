"""What lies beside a spec in its version: the columns of its data, and what tells each file's content."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from mlspec.diff import git
from mlspec.diff.version import Version, content, hash_of, token
from mlspec.document import Document
from mlspec.engine.lock import NAME, Lock, decode
from mlspec.plugin import Column, Schema, Source
from mlspec.rules.context import Facts
from mlspec.spec import Project
from mlspec.spec.pinned import unreadable

FEW_FILES = 2_000
MOST_CODE = 4 << 20


class Surroundings(Struct, frozen=True):
    """``facts``: the columns of the data, None with ``unknown`` saying why where they can't be told. ``tokens``: what
    tells the content of each file that steps read; ``code``: of the modules behind ``module:Class``; ``pinned``: the
    columns come from a lock, which has only those that were read."""

    facts: Facts | None
    unknown: str | None
    tokens: dict[str, str]
    notes: tuple[str, ...]
    code: dict[str, dict[str, str]]
    lock: Lock | None
    pinned: bool = False


def surroundings(
    one: Version, project: Project, document: Document, other: Version, others: Project, second: Document
) -> tuple[Surroundings, Surroundings]:
    """What lies beside two versions. Where data is in neither git nor the working tree, the locks tell its columns."""
    locks, notes = _locks(one, other)
    sides = ((one, project, document), (other, others, second))
    with tempfile.TemporaryDirectory(prefix="mlspec-diff-") as scratch:
        placed = [_placed(version, of, Path(scratch, str(index))) for index, (version, of, _) in enumerate(sides)]
        if all(found is not None for found in placed):
            known = [
                _from_files(version, cast(Project, found), said)
                for (version, _, said), found in zip(sides, placed, strict=True)
            ]
        else:
            # What a lock tells and what a file tells are not the same: both sides are read alike.
            known = [_from_locks(one, project, others, locks), _from_locks(other, others, project, locks)]
    first, later = (
        Surroundings(facts, unknown, *_tokens(version, of, lock), _code(version, of), lock, None in placed)
        for (facts, unknown), (version, of, _), lock in zip(known, sides, locks, strict=True)
    )
    return replace(first, notes=(*notes, *first.notes)), later


def _placed(version: Version, project: Project, scratch: Path) -> Project | None:
    """The project with sources that lie where their content is that of the version: here, or copied out of git. None
    where one lies nowhere."""
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
        data = None if own is None or own == token(here, path) else content(version, path)
        if data is not None:
            copy = scratch / name / PurePosixPath(path).name
            copy.parent.mkdir(parents=True)
            copy.write_bytes(data)
            source = replace(source, path=str(copy))
        elif not (version.root / path).exists():
            return None
        sources[name] = replace(use, plugin=source)
    return replace(project, data=replace(project.data, sources=sources))


def _from_files(version: Version, project: Project, document: Document) -> tuple[Facts | None, str | None]:
    from mlspec.rules.check import facts

    found, wrong = facts(project, document, version.root)
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


def _tokens(version: Version, project: Project, lock: Lock | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """What tells the content of each file that steps read, and what is to be said of it."""
    tokens: dict[str, str] = {}
    notes = []
    for path in _paths(project):
        found = token(version, path)
        if found is None and version.commit is not None:
            # Data that git does not hold is taken as it lies in the working tree: the same for both.
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
        raise unreadable(f"{error} ({head.label})") from None
    try:
        return (_lock(base), later), ()
    except ValueError as error:
        return (None, later), (f"mlspec.lock of {base.label} can't be read: {error}",)


def _lock(version: Version) -> Lock | None:
    data = content(version, NAME, 64 << 20)
    return None if data is None else decode(data)


def _code(version: Version, project: Project) -> dict[str, dict[str, str]]:
    """What tells the content of users' own modules, by ``module:Class``."""
    from mlspec.graph.user_code import source_files

    plugins = (use.plugin for use in project.model.candidates.values())
    named = {code for plugin in plugins if isinstance(code := getattr(plugin, "code", None), str)}
    if not named:
        return {}

    def digests(root: Path) -> dict[str, dict[str, str]]:
        return {code: {n: hash_of(file) for n, file in source_files(root, code).items()} for code in sorted(named)}

    if version.commit is None or version.top is None:
        return digests(version.root)
    with tempfile.TemporaryDirectory(prefix="mlspec-diff-") as scratch:
        root = Path(scratch)
        files = git.below(version.top, version.commit, version.folder)
        modules = {name: own for name, own in files.items() if name.endswith(".py") and ".." not in name.split("/")}
        for name, own in sorted(modules.items())[:FEW_FILES]:
            data = git.blob(version.top, own, MOST_CODE)
            if data is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(data)
        return digests(root)
