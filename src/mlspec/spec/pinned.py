"""What is known of sources that are fetched: the snapshots beside the spec, and what mlspec.lock has pinned of them."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.machine import allowed_reads, json_values, safe_files
from mlspec.plugins.base import ColumnType, PluginRef
from mlspec.plugins.source import AVAILABILITY, Source, Wanted

FOLDER = Path(".mlspec", "snapshots")
LATEST, FALLBACK = "latest.json", "fallback.json"
LOCK = "mlspec.lock"
VERSION = 1  # of the lock
MOST_LEVELS = 20
FORMATS = {".parquet": "parquet", ".arrow": "arrow"}  # that snapshots of rows are kept in, by the file's ending


class Snapshot(Struct, frozen=True, kw_only=True):
    """A source's rows at a moment.

    ``source`` is the identity of what was asked, ``file`` where the rows are from the spec's folder, ``digest`` that of
    their content. ``columns`` are all that the source has. ``levels``: distinct values of the target column ``target``,
    one more than MOST_LEVELS where there are many. ``taken`` and ``changed`` are seconds since 1970, None where that is
    not known. ``format``: the plug-in that reads the file. ``treated``: a mark of what was done to personal columns
    before the rows were kept.
    """

    source: str
    file: str
    format: str
    digest: str
    columns: dict[str, ColumnType]
    rows: int | None = None
    target: str = ""
    levels: tuple[str, ...] | None = None
    wanted: Wanted = Wanted()
    treated: str = ""
    taken: float | None = None
    changed: float | None = None
    mark: str = ""


class DataSummary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run says of a source's rows, for reviews: ``of`` is the digest of the table, ``rows`` their number,
    ``target`` the share of each class, or the mean; ``missing`` the share of missing values by column, from 1 % and
    five rows. No values of columns but the classes of the target, and no count of fewer than five rows."""

    of: str
    rows: int
    target: dict[str, float] = {}
    missing: dict[str, float] = {}


class LockedSource(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source as mlspec.lock pins it: the digests of its files, the columns with their types, and a summary of its
    rows; of one that is fetched also what was asked (a digest), its rows and the target's values."""

    files: dict[str, str] = {}
    columns: dict[str, ColumnType] = {}
    source: str = ""
    rows: int | None = None
    target: str = ""
    levels: tuple[str, ...] | None = None
    summary: DataSummary | None = None


class LockedSpread(Struct, frozen=True):
    """What was pinned of values: of which data (a digest), and the sketch of a column's spread, its levels, the share
    of missing ones, or the number of rows."""

    of: str
    sketch: dict[str, Any]


class _Lock(Struct, frozen=True):
    version: int = VERSION
    sources: dict[str, LockedSource] = {}
    spreads: dict[str, LockedSpread] = {}


def identity(use: PluginRef) -> str:
    """The digest of what a source asks for; how sure it must be to come, and stated columns, don't belong to it."""
    import hashlib

    settings = {k: v for k, v in msgspec.to_builtins(use.plugin).items() if k not in (*AVAILABILITY, "schema")}
    return hashlib.sha256(msgspec.json.encode([use.name, settings], order="deterministic")).hexdigest()


def is_snapshot(name: str) -> bool:
    """Whether a file, by its name from the spec's folder, is one that goes by its content."""
    return Path(name).parts[: len(FOLDER.parts)] == FOLDER.parts and Path(name).suffix in FORMATS


def name_of_rows(name: str) -> str:
    """A file's name from the spec's folder; that of a snapshot is the same in whatever format its rows lie."""
    return Path(name).with_suffix(".parquet").as_posix() if is_snapshot(name) else name


def folder(root: Path, name: str) -> Path:
    """Where a source's snapshots lie."""
    return root / FOLDER / name


def snapshot(root: Path, name: str, use: PluginRef) -> Snapshot | None:
    """The rows of a fetched source as they are known here: its fallback, its latest snapshot, or what the lock has
    pinned; None where the spec has asked for something else then, or never."""
    wanted = identity(use)
    for file in (FALLBACK, LATEST):
        found = stored(root, name, file)
        if found is not None and found.source == wanted and (file == LATEST or found.file == _fallback(root, use)):
            return found
    locked = locked_sources(root).get(name)
    if locked is None or locked.source != wanted or not locked.files:
        return None
    file, digest = next(iter(locked.files.items()))
    if not _is_in_folder(root, name, file):
        raise unreadable(root / LOCK, f"'{file}' is not a snapshot of source '{name}'")
    return Snapshot(
        source=wanted,
        file=file,
        format=FORMATS.get(Path(file).suffix, use.name),
        digest=digest,
        columns=locked.columns,
        rows=locked.rows,
        target=locked.target,
        levels=locked.levels,
    )


def _fallback(root: Path, use: PluginRef) -> str | None:
    """The file that replaces a source, as a snapshot names it."""
    path = getattr(use.plugin, "fallback", None)
    found = None if path is None else root / path
    return None if found is None or not found.is_relative_to(root) else found.relative_to(root).as_posix()


def stored(root: Path, name: str, file: str = LATEST) -> Snapshot | None:
    """The snapshot that a file describes, where its rows are still there."""
    try:
        found = json_values.read(folder(root, name) / file, Snapshot)
    except (OSError, ValueError):
        return None
    known = file != LATEST or _is_in_folder(root, name, found.file)
    return found if known and (root / found.file).is_file() else None


def _is_in_folder(root: Path, name: str, file: str) -> bool:
    """Whether a file is one that a source's snapshots are in: descriptions can be written by anybody."""
    try:
        return safe_files.inside(root, file).parent == folder(root, name)
    except ValueError:
        return False


def locked_sources(root: Path) -> dict[str, LockedSource]:
    """What mlspec.lock pins of the sources; nothing where there is no lock. Raises SpecError as ``unreadable``."""
    return _locked(root).sources


def locked_references(root: Path) -> dict[str, LockedSpread]:
    """The spreads that mlspec.lock pins; nothing where there is no lock. Raises SpecError as ``unreadable``."""
    return _locked(root).spreads


def _locked(root: Path) -> _Lock:
    path = root / LOCK
    if path.is_symlink() and allowed_reads.refusal(allowed_reads.around(root), path):
        raise unreadable(path, "it is a link to a place outside the repository")
    try:
        found = json_values.read(path, _Lock)
    except FileNotFoundError:
        return _Lock()
    except OSError as error:
        raise unreadable(path, (error.strerror or "it can't be opened").lower()) from None
    except ValueError as error:
        raise unreadable(path, str(error)) from None
    if found.version != VERSION:
        raise unreadable(path, f"it has version {found.version}, but this mlspec reads {VERSION}")
    return found


def unreadable(path: Path, why: str) -> SpecError:
    """What is wrong with a lock: taken for none, it would pin nothing, and every change would pass."""
    notes = (
        "restore it from version control: git checkout mlspec.lock",
        "without the file, mlspec run pins the current state",
    )
    # Behind a link is a text that nobody has asked to see.
    span = None if path.is_symlink() else Span(str(path), 1, 1, 1, 2)
    message = f"{path if span is None else LOCK} can't be read: {why}"
    return SpecError([Diagnostic(code="lock-unreadable", message=message, span=span, notes=notes)])


def keeps_treated(found: Snapshot | None) -> bool:
    """Whether personal columns of these rows were treated before they were kept; a file beside the spec is as it is."""
    return found is not None and Path(found.file).parts[: len(FOLDER.parts)] == FOLDER.parts


def reads(use: PluginRef, found: Snapshot | None) -> list[Any]:
    """``[plug-in, settings]`` of what reads a source's rows: the source itself, or its snapshot."""
    source = use.plugin
    assert isinstance(source, Source)
    settings = {k: v for k, v in _plain(msgspec.to_builtins(source)).items() if k not in AVAILABILITY}
    if found is None:
        return [use.name, settings]
    if found.format == use.name:
        return [use.name, {**settings, "path": found.file}]
    return [found.format, {"path": found.file}]


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))
