"""What is known of a spec that is open in an editor: its diagnostics now, and what was last known of the rest."""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from msgspec import Struct
from msgspec.structs import replace

from mlspec import registry
from mlspec.api.checking import Checked, inspect
from mlspec.diagnostics import Diagnostic, MlspecError, SpecError, StoreError
from mlspec.document import LARGEST, Document, Path, parse
from mlspec.editor.scan import Cursor, cursor, value_of
from mlspec.engine.run import lockfile
from mlspec.engine.run.lockfile import Lock
from mlspec.machine.allowed_reads import around, refusal
from mlspec.plugins.base import ColumnType
from mlspec.specfile import SPEC

LARGEST_LOCK = 16 << 20  # bytes


class Known(Struct, frozen=True):
    """What the last text that could be read that far says: columns with their types, of all rows and by source, the
    task, the target's values, names of requirements with their places and units."""

    columns: Mapping[str, ColumnType] = {}
    sources: Mapping[str, Mapping[str, ColumnType]] = {}
    task: str | None = None
    levels: tuple[str, ...] = ()
    requirements: Mapping[str, Path] = {}
    units: Mapping[str, str] = {}
    metrics: tuple[str, ...] = ()
    target: str = ""


class Opened(Struct, frozen=True):
    """An open spec. ``document`` is the tree of the last text that was YAML, ``is_current``: of this one. ``stamp`` is
    that of the lock's file."""

    file: str
    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    document: Document | None = None
    is_current: bool = False
    known: Known = Known()
    lock: Lock | None = None
    stamp: tuple[int, int] = (0, 0)

    def value(self, path: Path, within: Cursor | None = None) -> object:
        """The scalar at a path; of a text that is no YAML at the moment what is above the cursor counts first."""
        if within is not None and path in within.values:
            return value_of(within.values[path])
        node = None if self.document is None else self.document.node(path)
        return node.value if node is not None and node.kind == "scalar" else None

    def names(self, path: Path) -> tuple[str, ...]:
        """The keys of the mapping at a path, as last known."""
        node = None if self.document is None else self.document.node(path)
        return tuple(key.value for key, _ in node.value) if node is not None and node.kind == "map" else ()

    def at(self, line: int, column: int) -> Cursor:
        """Where a place is that counts from 0."""
        return cursor(self.text, line, column)


def is_spec(file: str, text: str) -> bool:
    """Whether a text is a spec: by its file's name, or by its key ``mlspec``."""
    if os.path.basename(file) == SPEC:
        return True
    return text.startswith("mlspec:") or "\nmlspec:" in text


def opened(file: str, text: str, before: Opened | None = None) -> Opened:
    """A text as an editor holds it, checked by the compiler; what it does not say now is as it was ``before``."""
    lock, stamp = _lock(file, before)
    known = Known() if before is None else before.known
    if not known.columns:
        known = _of_lock(lock)
    document = None if before is None else before.document
    now = Opened(file, text, document=document, known=known, lock=lock, stamp=stamp)
    try:
        # A text that is too large is refused before it is read.
        document = parse(text.encode("utf-8", "surrogatepass"), file)
    except SpecError as error:
        kept = text if len(text) <= LARGEST else ""
        return replace(now, text=kept, diagnostics=error.diagnostics)
    now = replace(now, document=document, is_current=True)
    try:
        checked = inspect(file, text)
    except SpecError as error:
        return replace(now, diagnostics=error.diagnostics)
    except (MlspecError, OSError) as error:
        return replace(now, diagnostics=(Diagnostic(code="source-unreadable", message=str(error)),))
    return replace(now, diagnostics=checked.diagnostics, known=_known(checked) if checked.facts.schemas else known)


def _known(checked: Checked) -> Known:
    from mlspec.spec.requirements import requirements

    facts, project = checked.facts, checked.project
    required = requirements(project)
    types = project.data.columns.types
    return Known(
        columns={c.name: types.get(c.name, c.type) for c in next(iter(facts.schemas.values()))},
        sources={name: {c.name: c.type for c in schema} for name, schema in facts.sources.items()},
        task=project.project.task,
        levels=facts.target_levels or (),
        requirements={one.id: one.path for one in required},
        units={one.id: registry.constraint(one.check["of"]).unit(one.check) for one in required if one.check},
        metrics=tuple(use.name for use in project.evaluation.metrics or ()),
        target=project.data.columns.target,
    )


def _of_lock(lock: Lock | None) -> Known:
    """What the last run pinned, for a text that could not be read yet."""
    if lock is None:
        return Known()
    sources = {name: source.columns for name, source in lock.sources.items()}
    columns = {name: kind for source in sources.values() for name, kind in source.items()}
    levels = next((source.levels for source in lock.sources.values() if source.levels), ())
    target = next((source.target for source in lock.sources.values() if source.target), "")
    return Known(columns=columns, sources=sources, levels=levels, metrics=tuple(lock.metrics), target=target)


def _lock(file: str, before: Opened | None) -> tuple[Lock | None, tuple[int, int]]:
    """The lock beside a spec, read again where it has changed; none where it is no lock, or a link to elsewhere."""
    root = FilePath(file).parent
    path = lockfile.beside(root)
    try:
        about = os.stat(path)
        stamp = (about.st_mtime_ns, about.st_size)
        if before is not None and before.stamp == stamp:
            return before.lock, stamp
        if about.st_size > LARGEST_LOCK or refusal(around(root), path):
            return None, stamp
        return lockfile.read(path), stamp
    except (OSError, ValueError, StoreError):
        return None, (0, 0)
