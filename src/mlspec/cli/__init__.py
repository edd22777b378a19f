"""The command line: one small module a command. A command parses its arguments, calls one function and prints.

Exit codes: 0 done; 1 a constraint does not hold or cannot be decided, ``diff`` found what it was to stop at, ``merge``
found edits that clash; 2 the spec or the command is wrong; 3 a step failed, or a source is unavailable; 4
``compile --detailed-exitcode``: there is work to do; 70 a mistake in mlspec itself; 130 interrupted; 141 who read the
output has gone. Whatever goes wrong ends in one of them, and never in 1.
"""

import errno
import gc
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlspec.cli._exit_codes import BROKEN_PIPE, INTERNAL, INTERRUPTED, STEP_FAILED, WRONG

if TYPE_CHECKING:
    import click

    from mlspec.diagnostics import Diagnostic

# They hold nothing open, and what they start has ended when they are done.
BRIEF = (["validate"], ["compile"], ["diff"], ["policy"])
# They read tables in this process, by libraries that write to the error stream themselves.
READERS = (["init"], ["predict"], ["profile"])
# What an output that can't be written says: a full disk or quota, a broken device, a stream that is not for writing.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EAGAIN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing but SystemExit leaves it: whatever ends the command early is
    reported on the error stream."""
    own = arguments is None
    given = sys.argv[1:] if arguments is None else list(arguments)
    brief = own and given[:1] in BRIEF
    if brief:
        # A process that lives for a moment leaves its garbage behind.
        gc.disable()
    try:
        code = _bounded(given, own)
    except SystemExit:
        raise
    except BaseException as error:
        # What reports mistakes has failed: the shortest way there is.
        code = INTERNAL
        _last_words(error)
    if brief:
        # What is left to do for the interpreter is to take all apart: a sixth of the whole time.
        os._exit(code)
    return code


def _import_libraries() -> None:
    """Import msgspec and PyYAML without what a brief command has no use for: a fifth of the time ``validate`` takes.

    typing_extensions, which msgspec takes where that is installed, and with it inspect and ast: Python's own typing has
    all that our structs need. And the compilation of regular expressions.
    """
    from mlspec.machine import patterns, python_paths

    name = "typing_extensions"
    absent = name not in sys.modules
    if absent:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails, which msgspec expects
    try:
        with python_paths.only_own(), patterns.on_demand():
            import msgspec  # noqa: F401
            import yaml  # noqa: F401
    finally:
        if absent:
            del sys.modules[name]


def _bounded(arguments: list[str], own: bool) -> int:
    from mlspec.cli import _streams

    _streams.prepare()
    show_native: Callable[[bool], None] | None = None
    if own:
        _streams.guard_errors()
        if arguments[:1] not in BRIEF:
            _hook_threads()
        if arguments[:1] in READERS:
            show_native = _streams.hold_native()
    try:
        code = INTERNAL
        try:
            code = _run(arguments, own and arguments[:1] in BRIEF)
            sys.stdout.flush()
        except (BrokenPipeError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            code = _text(error)
        finally:
            if show_native is not None:
                show_native(code not in (WRONG, STEP_FAILED))  # a diagnostic says it then
        sys.stdout.flush()
        sys.stderr.flush()
        return code
    except BrokenPipeError:
        # The reader of the output is gone. Python must not write again at exit.
        _streams.silence(sys.stdout)
        _streams.silence(sys.stderr)
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: list[str], confined: bool) -> int:
    for argument in arguments:
        if not argument.isascii() and (wrong := _not_utf_8(argument)) is not None:
            from mlspec.diagnostics import SpecError

            raise SpecError([wrong])

    def confine() -> None:
        if confined:
            _import_libraries()
            from mlspec.cli._confined import confine_command

            confine_command(arguments)

    code = _plain(arguments, confine)
    if code is not None:
        return code
    confine()
    return _parsed(arguments)


def _plain(arguments: list[str], confine: Callable[[], None]) -> int | None:
    """``validate`` and ``compile`` of nothing but specs, as editors and hooks call them, need no parser of arguments:
    importing one would cost more than the work. None for all else. ``confine`` is called before a spec is read."""
    command, rest = arguments[:1], arguments[1:]
    if any(argument.startswith("-") for argument in rest) or "_MLSPEC_COMPLETE" in os.environ:
        return None
    if command == ["validate"]:
        confine()
        from mlspec.cli._validate import validate

        return validate(rest)
    if command == ["compile"] and len(rest) <= 1:
        from mlspec.cli._compile import show

        return show(rest[0] if rest else None, confine=confine)
    return None


def _parsed(arguments: list[str]) -> int:
    import click

    from mlspec.cli._commands import commands

    if "_MLSPEC_COMPLETE" in os.environ:
        commands.main(arguments, prog_name="mlspec")
    try:
        # Not click's own ``main``: it ends the process with 1 where a reader has gone.
        with commands.make_context("mlspec", arguments) as context:
            return commands.invoke(context) or 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        from mlspec.cli._output import talk

        talk(_usage(error))
        return WRONG
    except click.Abort:
        raise KeyboardInterrupt from None


def _usage(error: "click.ClickException") -> str:
    """What is wrong with the arguments, below how they are to be."""
    from mlspec.diagnostics import printable

    line = f"Error: {printable(error.format_message())}"
    context = getattr(error, "ctx", None)
    if context is None:
        return line
    return f"{context.get_usage()}\nTry '{context.command_path} {context.help_option_names[0]}' for help.\n\n{line}"


def _text(error: BaseException) -> int:
    from mlspec.cli._output import show_diagnostics, talk
    from mlspec.diagnostics import MlspecError, SourceError, SpecError, printable
    from mlspec.machine.secret_values import hidden

    if isinstance(error, SpecError):
        show_diagnostics(error.diagnostics, error.texts)
        return STEP_FAILED if isinstance(error, SourceError) else WRONG
    if isinstance(error, MlspecError):
        talk(f"error: {printable(hidden(str(error)))}")
        return STEP_FAILED
    if os.environ.get("MLSPEC_TRACEBACK"):
        import traceback

        talk(hidden("".join(traceback.format_exception(error))))
    if isinstance(error, UnicodeEncodeError) and (wrong := _not_utf_8(error.object)) is not None:
        show_diagnostics([wrong])
        return WRONG
    if isinstance(error, OSError) and (where := _place(error)):
        talk(printable(f"error: {where}: {(error.strerror or 'cannot be used').lower()}"))
        return STEP_FAILED
    if isinstance(error, FileNotFoundError) and error.errno is not None and error.strerror:
        # There is room for temporary files nowhere.
        talk(printable(f"error: {error.strerror[:1].lower()}{error.strerror[1:]}"))
        return STEP_FAILED
    _internal(error)
    return INTERNAL


def _internal(error: BaseException) -> None:
    from mlspec.cli._output import talk
    from mlspec.diagnostics import printable
    from mlspec.machine.secret_values import hidden

    text = printable(" ".join(f"{type(error).__name__}: {hidden(str(error))}".split()))
    talk(f"internal error: {text} (MLSPEC_TRACEBACK=1 shows where; please report it)")


def _hook_threads() -> None:
    """What threads and finalizers raise shows no traceback: the exit code is that of the command's own work."""
    if os.environ.get("MLSPEC_TRACEBACK"):
        return
    import threading

    threading.excepthook = lambda found: None if found.exc_value is None else _internal(found.exc_value)
    sys.unraisablehook = lambda _found: None


def _place(error: OSError) -> str:
    """What could not be used; empty where that is not known."""
    if error.filename is not None:
        return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
    if error.errno in UNWRITABLE:
        from mlspec.cli import _streams

        # Behind our output; Python must not try again when it exits.
        _streams.silence(sys.stdout)
        return "the output can't be written"
    try:
        os.getcwd()
    except OSError:
        return "the working folder"
    return ""


def _not_utf_8(text: str) -> "Diagnostic | None":
    """What is wrong with a name that came as bytes which are no text; None where nothing is."""
    from mlspec.diagnostics import Diagnostic

    encoding = sys.getfilesystemencoding()
    try:
        text.encode("utf-8")
        text.encode(encoding, "surrogateescape")
    except UnicodeEncodeError:
        locale = f"names are read as {encoding} here: PYTHONUTF8=1, or a locale with UTF-8, changes that"
        note = "rename the file or folder" if encoding == "utf-8" else locale
        return Diagnostic(code="name-not-utf-8", message=f"'{text}' is not UTF-8 text", notes=(note,))
    return None


def _last_words(error: BaseException) -> None:
    try:
        os.write(2, f"internal error: {type(error).__name__} (please report it)\n".encode("ascii", "replace"))
    except OSError:
        return
