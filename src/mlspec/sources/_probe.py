"""Looks at sources before anything runs: their columns, and a column's first values. What can crash on a damaged file
is asked in a child process, so that a crash, too much memory or too much time is an answer like any other."""

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from mlspec.diagnostics import Diagnostic, MlspecError, Span
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _bounds

T = TypeVar("T")
Values = tuple[tuple[str, ...], bool]
NO_ROWS = "it has no rows, only a header"
CHILD = "mlspec.sources._probe_child"


class Seen(Struct, frozen=True):
    """A source's columns, and by column its first values, missing ones left out, and whether these are all rows."""

    columns: Schema
    values: dict[str, Values]


class Request(Struct, frozen=True):
    """What a child is to look at: plug-ins with their settings, from the spec's folder ``root``; and for the values of
    which column, None for all."""

    parent: int
    root: str
    column: str | None
    sources: tuple[tuple[str, dict[str, Any]], ...]


class Reply(Struct, frozen=True, omit_defaults=True):
    """What it saw of one source, or what ``columns`` or ``values`` raised."""

    seen: Seen | None = None
    raised: Literal["OSError", "ValueError", "LookupError", "ImportError"] | None = None
    text: str = ""
    errno: int | None = None


def probe(uses: Mapping[str, PluginRef], root: Path, column: str | None) -> dict[str, Seen | Exception]:
    """What each of these sources shows, with the values of ``column`` (of all columns for None; "" for none, where a
    table without rows is one).

    If the answer is unknown it is an OSError (the file cannot be read), a ValueError (wrong format, or too large to
    inspect), a LookupError (must be fetched) or an ImportError with the missing library.
    """
    until = time.monotonic() + _bounds.ALL_SECONDS
    found: dict[str, Seen | Exception] = {}
    apart = []
    for name, use in uses.items():
        source = use.plugin
        assert isinstance(source, Source)
        if time.monotonic() > until:
            found[name] = _too_long()
        elif is_apart(source, root):
            apart.append(name)
        else:
            found[name] = here(source, root, column)
    while apart:
        asked = [(uses[name].name, msgspec.to_builtins(uses[name].plugin)) for name in apart]
        for outcome in _in_a_child(asked, root, column, until):
            found[apart.pop(0)] = outcome
    return {name: found[name] for name in uses}


def lacking(what: str, source: Source, library: ImportError, span: Span | None = None) -> Diagnostic:
    """That a source needs a library that is not installed, with what installs it."""
    way = str(library)
    if type(source).__module__.startswith("mlspec.") and way in source.libraries:
        way = f"'mlspec-compiler[{source.extra if way in source.libraries[1:] else 'run'}]'"
    message = f"{what} needs {library}, which is not installed here"
    label, notes = (f"pip install {way}", ()) if span is not None else ("", (f"pip install {way}",))
    return Diagnostic(code="library-not-installed", message=message, span=span, label=label, notes=notes)


def is_apart(source: Source, root: Path) -> bool:
    """Whether a source is looked at in a child process."""
    return _guarded(functools.partial(source.is_probed_apart, root)) is True


def here(source: Source, root: Path, column: str | None) -> Seen | Exception:
    """The same of one source, in this process."""
    return _guarded(functools.partial(_seen, source, root, column))


def _seen(source: Source, root: Path, column: str | None) -> Seen:
    columns = source.columns(root)
    if len(columns) > _bounds.COLUMNS:
        raise ValueError(f"it has {len(columns):,} columns, but at most {_bounds.COLUMNS:,} are read")
    long = next((one.name for one in columns if len(one.name) > _bounds.NAME), None)
    if long is not None:
        raise ValueError(f"the name of a column has {len(long):,} characters, but at most {_bounds.NAME:,} are read")
    pattern = next((n for one in columns if (n := one.name) == "*" or (n[:1] == "^" and n[-1:] == "$")), None)
    if pattern is not None:
        raise ValueError(f"a column is called '{pattern}', which the data engine takes for a pattern: rename it")
    if column != "" and source.is_empty(root):
        raise ValueError(NO_ROWS)
    names = [one.name for one in columns if column in (None, one.name)]
    values = {name: seen for name in names if (seen := source.values(root, name)) is not None}
    return Seen(columns, values)


def _guarded(ask: Callable[[], T]) -> T | Exception:
    """What a plug-in answers, or one of the four errors that represent all that it can raise."""
    try:
        return ask()
    except MemoryError:
        return ValueError(f"inspecting it needs more than {_bounds.MEMORY >> 20} MiB of memory")
    except (KeyboardInterrupt, SystemExit):
        raise
    except ImportError as error:
        return ImportError((error.name or str(error)).partition(".")[0])
    except BaseException as error:  # the panic of a library is no Exception
        if isinstance(error, OSError) and error.errno is not None:
            return error
        if type(error) is LookupError or type(error) is ValueError:
            return error
        if isinstance(error, MlspecError):
            return ValueError(str(error))
        text = " ".join(str(error).split())[:300]
        return ValueError(f"it is damaged: {text}" if text else "it is damaged")


def _in_a_child(
    asked: Sequence[tuple[str, dict[str, Any]]], root: Path, column: str | None, until: float
) -> list[Seen | Exception]:
    """The outcomes of the first of these sources, at least one: to the one that ended the child, or all."""
    import subprocess
    import threading

    from mlspec.machine import child_process, confined, json_values

    if time.monotonic() > until:
        return [_too_long() for _one in asked]
    request = msgspec.json.encode(Request(os.getpid(), str(root.absolute()), column, tuple(asked)))
    process = subprocess.Popen(
        child_process.command(CHILD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=confined.environment(POLARS_MAX_THREADS="1"),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    found: list[Seen | Exception] = []
    try:
        try:
            process.stdin.write(request)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has died; the cause is reported below
        while len(found) < len(asked):
            timer = threading.Timer(min(_bounds.SECONDS, max(until - time.monotonic(), 0.1)), process.kill)
            timer.start()
            try:
                line = process.stdout.readline(_bounds.REPLY)
            finally:
                timer.cancel()
            try:
                found.append(_outcome(json_values.decode(line, Reply)))
            except ValueError:
                process.kill()
                found.append(_died(process.wait()))
                break
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return found


def _outcome(reply: Reply) -> Seen | Exception:
    match reply.raised:
        case None:
            assert reply.seen is not None
            return reply.seen
        case "OSError":
            return OSError(reply.errno, reply.text)
        case "LookupError":
            return LookupError(reply.text)
        case "ImportError":
            return ImportError(reply.text)
        case "ValueError":
            return ValueError(reply.text)


def _died(code: int) -> ValueError:
    import signal

    what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return ValueError(
        f"it is damaged, or inspecting it takes more than {_bounds.MEMORY >> 20} MiB of memory "
        f"or {_bounds.CPU_SECONDS} s ({what})"
    )


def _too_long() -> ValueError:
    return ValueError(f"inspecting the sources takes more than {_bounds.ALL_SECONDS:g} s")


def reply_of(outcome: Seen | Exception) -> bytes:
    """An outcome as the line that a child answers with."""
    if isinstance(outcome, Seen):
        reply = Reply(seen=outcome)
    elif isinstance(outcome, OSError):
        reply = Reply(raised="OSError", text=outcome.strerror or str(outcome), errno=outcome.errno)
    elif isinstance(outcome, ImportError):
        reply = Reply(raised="ImportError", text=str(outcome))
    else:
        reply = Reply(raised="LookupError" if isinstance(outcome, LookupError) else "ValueError", text=str(outcome))
    try:
        return msgspec.json.encode(reply) + b"\n"
    except UnicodeEncodeError:
        return msgspec.json.encode(Reply(raised="ValueError", text="it contains text that is not UTF-8")) + b"\n"
