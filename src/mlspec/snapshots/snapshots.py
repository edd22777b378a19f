"""Fetches the sources of a spec before it is compiled for a run: each into a snapshot beside the spec, whole or not at
all, tried again with growing pauses; if it is unavailable, its fallback, or a diagnostic that names the last
snapshot."""

import contextlib
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mlspec import paths
from mlspec.diagnostics import Diagnostic, SourceError
from mlspec.document import Document
from mlspec.graph import tables
from mlspec.machine import child_process
from mlspec.plugins.base import PluginRef
from mlspec.plugins.source import Source, Wanted
from mlspec.snapshots import anonymize_snapshot
from mlspec.snapshots.fetch import RESULT, Reply, Request
from mlspec.sources import _secrets
from mlspec.spec import Project, pinned
from mlspec.spec.dump import spelled
from mlspec.store import files

RETRIES, FIRST_WAIT, LONGEST_WAIT, TIMEOUT = 2, 0.5, 30.0, 600.0
Tell = Callable[[str], None]


def refresh(
    project: Project,
    document: Document,
    root: Path,
    *,
    offline: bool = False,
    locked: bool = False,
    tell: Tell = lambda _text: None,
) -> list[Diagnostic]:
    """Bring the snapshots of all fetched sources up to date; ``offline``: only see that there are some; ``locked``:
    leave those as they are whose snapshot in mlspec.lock is here.

    ``tell`` receives progress messages. Returns warnings. Raises SourceError with a diagnostic for each source that is
    unavailable, too old, or has too few rows.
    """
    found: list[Diagnostic] = []
    paths.demand_no_links(paths.home(root))
    anonymize_snapshot.sweep(root / pinned.FOLDER)
    for name, use in project.data.sources.items():
        source = use.plugin
        assert isinstance(source, Source)
        if source.mistake() or _secrets.misplaced(msgspec.to_builtins(source)):
            # The rules report it; nothing connects with it.
            continue
        one = _Refresh(project, document, root, name, use, source, tell)
        if locked and source.is_fetched and one.is_locked():
            continue
        if source.is_fetched:
            found += one.offline() if offline else one.fetch()
        # Of a source that is only to be compared with mlspec.lock, the age does not matter.
        found += () if locked else one.stale()
    errors = [one for one in found if one.severity == "error"]
    if errors:
        raise SourceError(found, document.texts)
    return found


class _Refresh:
    """One source."""

    def __init__(
        self, project: Project, document: Document, root: Path, name: str, use: PluginRef, source: Source, tell: Tell
    ) -> None:
        self.document, self.root, self.name, self.use, self.source, self.tell = document, root, name, use, source, tell
        self.wanted = tables.wanted_of(project, name)
        self.target = project.data.columns.target
        self.treatments = anonymize_snapshot.of(project)
        self.kept = project.storage.snapshots.keep
        self.stated = project.storage.snapshots
        self.folder = pinned.folder(root, name)

    def is_locked(self) -> bool:
        """Whether the rows that mlspec.lock has pinned are here, anonymised as the spec says now."""
        locked = pinned.locked_sources(self.root).get(self.name)
        found = pinned.snapshot(self.root, self.name, self.use, locked=True)
        if locked is None or found is None or found.file not in locked.files or not (self.root / found.file).is_file():
            return False
        return not self.treatments.mark or f"-{self.treatments.mark}." in Path(found.file).name

    def offline(self) -> Iterator[Diagnostic]:
        last = pinned.stored(self.root, self.name)
        if last is not None and last.source == pinned.identity(self.use):
            (self.folder / pinned.FALLBACK).unlink(missing_ok=True)
            if _covers(last.wanted, self.wanted) and last.treated == self.treatments.mark:
                self.tell(f"{self.name}: the snapshot of {_when(last)}, {last.rows:,} rows")
                return
        label = "run once with a connection" if last is None else "the last one has other settings"
        if last is not None and last.treated != self.treatments.mark:
            label = "the last one was anonymised differently (data.personal, data.columns.types, or another key)"
        message = f"there is no snapshot of source '{self.name}'"
        yield self._diagnostic("no-snapshot", message, label)

    def fetch(self) -> Iterator[Diagnostic]:
        paths.prepare(paths.home(self.root))
        self.folder.mkdir(parents=True, exist_ok=True)
        reply, cause = self._tried()
        if reply is None:
            yield from self._instead(cause)
            return
        if reply.outcome == "unfit":
            span = self.document.span(("data", "personal", reply.column, "action"))
            label = "use another action, or set the column's type under data.columns.types"
            yield Diagnostic(code="treatment-does-not-fit", message=reply.cause, span=span, label=label)
            return
        if reply.outcome == "new":
            least = self.source.minimum_rows
            if least is not None and reply.rows < least:
                yield from self._instead(f"it returned {reply.rows:,} rows, but at least {least:,} are required")
                return
        (self.folder / pinned.FALLBACK).unlink(missing_ok=True)

    def stale(self) -> Iterator[Diagnostic]:
        """Whether the content is older than it may be."""
        within = self.source.fresh_within
        if within is None:
            return
        snapshot = pinned.snapshot(self.root, self.name, self.use) if self.source.is_fetched else None
        changed = _changed(self.source, self.root) if snapshot is None else snapshot.changed or snapshot.taken
        if changed is None:
            return
        age = time.time() - changed
        if age > within:
            message = f"source '{self.name}' is older than {spelled(within, 'duration')}"
            yield self._diagnostic("source-stale", message, f"last changed {_message(changed)}", key="fresh_within")

    def _tried(self) -> tuple[Reply | None, str]:
        """What came, or why nothing did; what came new is the latest snapshot then."""
        before = pinned.stored(self.root, self.name)
        mark = ""
        if (
            before is not None
            and before.source == pinned.identity(self.use)
            and before.wanted == self.wanted
            and before.treated == self.treatments.mark
        ):
            mark = before.mark
        retries = RETRIES if self.source.retries is None else self.source.retries
        wait, cause = FIRST_WAIT, ""
        for attempt in range(1 + retries):
            if attempt:
                self.tell(f"{self.name}: {cause}; trying again")
                time.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
            with anonymize_snapshot.staging(self.folder) as staging:
                reply = self._asked(staging, mark)
                if reply.outcome == "new":
                    least = self.source.minimum_rows
                    if least is None or reply.rows >= least:
                        self._keep(staging, reply)
                        self.tell(f"{self.name}: {reply.rows:,} rows from {self.source.where()}")
                    return reply, ""
                if reply.outcome in ("same", "unfit"):
                    if reply.outcome == "same":
                        self.tell(f"{self.name}: unchanged")
                    return reply, ""
            cause = reply.cause
            if reply.outcome == "wrong":
                break
        return None, cause

    def _asked(self, staging: Path, mark: str) -> Reply:
        """One attempt, in a process of its own, which ends when its time is over."""
        connection = str(getattr(self.source, "connection", ""))
        lacking = _secrets.absent(connection)
        if lacking:
            return Reply(outcome="wrong", cause=f"the environment variable {lacking[0]} is not set")
        request = Request(
            kind=self.use.name,
            settings=msgspec.to_builtins(self.source),
            root=str(self.root.absolute()),
            folder=str(staging.absolute()),
            wanted=self.wanted,
            mark=mark,
            target=self.target,
            treatments=self.treatments,
            parent=os.getpid(),
            file_format=self.stated.format,
            compression=self.stated.compression,
        )
        timeout = self.source.timeout or TIMEOUT
        command = child_process.command("mlspec.snapshots.fetch")
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, cwd=self.root, start_new_session=True
        )
        try:
            process.communicate(msgspec.json.encode(request), timeout=timeout)
        except subprocess.TimeoutExpired:
            return Reply(outcome="down", cause=f"there was no answer within {spelled(timeout, 'duration')}")
        finally:
            _end(process)
        try:
            return msgspec.json.decode((staging / RESULT).read_bytes(), type=Reply)
        except (OSError, msgspec.MsgspecError):
            return Reply(outcome="wrong", cause=f"the process that fetches it ended with {process.returncode}")

    def _keep(self, staging: Path, reply: Reply) -> None:
        """Make what came the latest snapshot; a few before it stay, but none that is treated otherwise."""
        suffix = "".join(Path(reply.file).suffixes[-2:]) or ".data"
        treated = f"-{self.treatments.mark}" if reply.treated else ""
        target = self.folder / f"{reply.digest[:16]}{treated}{suffix}"
        with (staging / reply.file).open("rb") as file:
            os.fsync(file.fileno())
        (staging / reply.file).replace(target)
        self._write(pinned.LATEST, target, reply)
        if treated:
            for old in _held(self.folder):
                if f"{treated}." not in old.name:
                    old.unlink(missing_ok=True)
        prune(self.root, self.name, self.kept)

    def _write(self, name: str, target: Path, reply: Reply) -> None:
        snapshot = pinned.Snapshot(
            source=pinned.identity(self.use),
            file=target.relative_to(self.root).as_posix(),
            format=reply.format,
            digest=reply.digest,
            columns=reply.columns,
            rows=reply.rows,
            target=self.target,
            levels=reply.levels,
            wanted=self.wanted,
            treated=self.treatments.mark if name == pinned.LATEST else "",
            taken=reply.taken,
            changed=reply.changed,
            mark=reply.mark,
        )
        files.replace(self.folder / name, msgspec.json.format(msgspec.json.encode(snapshot), indent=1))

    def _instead(self, cause: str) -> Iterator[Diagnostic]:
        """The fallback, or the end of it."""
        if self.source.fallback is not None:
            try:
                self._fall_back(self.source.fallback)
            except (OSError, ValueError) as error:
                text = error.strerror if isinstance(error, OSError) and error.strerror else error
                yield self._diagnostic(
                    "source-unavailable", self._cannot(cause), f"its fallback cannot be read either: {text}"
                )
                return
            message = f"source '{self.name}' is unavailable, so its fallback is used"
            yield self._diagnostic("source-fell-back", message, cause, severity="warning", key="fallback")
            return
        last = pinned.stored(self.root, self.name)
        if last is not None and last.source == pinned.identity(self.use) and last.treated == self.treatments.mark:
            note = f"the last good snapshot is of {_when(last)}, {last.rows:,} rows; mlspec run --offline uses it"
        else:
            note = "there is no snapshot of it yet"
        yield self._diagnostic("source-unavailable", self._cannot(cause), "", note)

    def _cannot(self, cause: str) -> str:
        return f"source '{self.name}' is unavailable: {cause}"

    def _fall_back(self, path: str) -> None:
        """Take a file beside the spec as the source's snapshot for this run."""
        from mlspec import registry
        from mlspec.spec.units import source_of

        kind = source_of(path)
        if kind is None:
            raise ValueError(f"the format of '{path}' cannot be inferred from its name")
        reader = registry.plugin("sources", kind)(path=path)
        assert isinstance(reader, Source)
        columns = reader.columns(self.root)
        seen = reader.values(self.root, self.target)
        with (self.root / path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        reply = Reply(
            outcome="new",
            format=kind,
            digest=digest,
            columns={c.name: c.type for c in columns},
            levels=None if seen is None else tuple(sorted(set(seen[0])))[: pinned.MOST_LEVELS + 1],
            taken=time.time(),
        )
        self._write(pinned.FALLBACK, self.root / path, reply)

    def _diagnostic(
        self, code: str, message: str, label: str = "", *notes: str, severity: str = "error", key: str = ""
    ) -> Diagnostic:
        at = ("data", "sources", self.name)
        where = (*at, key) if key else at
        span = self.document.span(where, key=True)
        return Diagnostic(code=code, message=message, span=span, label=label, notes=notes, severity=severity)


def prune(root: Path, name: str, keep: int) -> int:
    """Remove all snapshots of a source but the last ``keep`` and those that its description or mlspec.lock name; the
    bytes that they took."""
    folder = pinned.folder(root, name)
    locked = pinned.locked_sources(root).get(name)
    names = {Path(file).name for file in (locked.files if locked is not None else ())}
    named = (pinned.stored(root, name, file) for file in (pinned.LATEST, pinned.FALLBACK))
    names |= {Path(one.file).name for one in named if one is not None}
    freed = 0
    for old in sorted(_held(folder), key=lambda path: path.stat().st_mtime_ns)[:-keep]:
        if old.name not in names:
            freed += old.stat().st_size
            old.unlink(missing_ok=True)
    return freed


def _held(folder: Path) -> list[Path]:
    """The snapshots in a source's folder."""
    files = folder.iterdir() if folder.is_dir() else ()
    return [path for path in files if path.is_file() and path.suffix != ".json" and not path.name.startswith(".")]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process with all that it has started."""
    import signal

    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _covers(have: Wanted, asked: Wanted) -> bool:
    if have == asked:
        return True
    more = set(have.drop) <= set(asked.drop) and have.where in ((), asked.where)
    return more and (have.only is None or (asked.only is not None and set(asked.only) <= set(have.only)))


def _changed(source: Source, root: Path) -> float | None:
    found = [path for path in source.files(root).values() if path.exists()]
    every = [file for path in found for file in (path.rglob("*") if path.is_dir() else [path])]
    times = [file.stat().st_mtime for file in every if file.is_file()]
    return max(times, default=None)


def _when(snapshot: pinned.Snapshot) -> str:
    return _message(snapshot.taken or 0.0)


def _message(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
