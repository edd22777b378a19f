"""The command line: one small module a command. A command parses its arguments, calls one function and prints.

Exit codes: 0 done; 1 a constraint does not hold or cannot be decided, ``diff`` found what it was to stop at, ``merge``
found edits that clash; 2 the spec or the command is wrong; 3 a step failed, or a source can't be had; 4
``compile --detailed-exitcode``: there is work to do; 70 a mistake in mlspec itself; 130 interrupted; 141 who read the
output has gone.
"""

import errno
import gc
import os
import sys
from collections.abc import Sequence

# They hold nothing open, and what they start has ended when they are done.
BRIEF = (["validate"], ["compile"], ["diff"])

HOLDS_NOT, WRONG, STEP_FAILED, PENDING, INTERNAL, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 4, 70, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; whatever ends the command early is told on the error stream."""
    brief = False
    if arguments is None:
        arguments = sys.argv[1:]
        if arguments[:1] in BRIEF:
            # A process that lives for a moment leaves its garbage behind.
            brief = True
            gc.disable()
    try:
        code = _run(list(arguments))
        sys.stdout.flush()
        if brief:
            sys.stderr.flush()
            # What is left to do for the interpreter is to take all apart: a sixth of the whole time.
            os._exit(code)
        return code
    except BrokenPipeError:
        # Who read our output has gone: there is nobody to tell. Python must not try again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        return _told(error)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    try:
        code = _plain(arguments)
        return _parsed(arguments) if code is None else code
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:
        return _told(error)


def _plain(arguments: list[str]) -> int | None:
    """``validate`` and ``compile`` of nothing but specs, as editors and hooks call them, need no parser of arguments:
    importing one would cost more than the work. None for all else."""
    command, rest = arguments[:1], arguments[1:]
    if any(argument.startswith("-") for argument in rest) or "_MLSPEC_COMPLETE" in os.environ:
        return None
    if command == ["validate"]:
        from mlspec.cli._validate import validate

        return validate(rest)
    if command == ["compile"] and len(rest) <= 1:
        from mlspec.cli._compile import show

        return show(rest[0] if rest else None)
    return None


def _parsed(arguments: list[str]) -> int:
    import click

    from mlspec.cli._commands import commands

    try:
        return commands.main(arguments, prog_name="mlspec", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return WRONG
    except click.Abort:
        raise KeyboardInterrupt from None


def _told(error: Exception) -> int:
    from mlspec.diagnostics import MlspecError, SourceError, SpecError
    from mlspec.machine.secret_values import hidden

    if isinstance(error, SpecError):
        from mlspec.cli._output import show_diagnostics

        show_diagnostics(error.diagnostics, error.texts)
        return STEP_FAILED if isinstance(error, SourceError) else WRONG
    if isinstance(error, MlspecError):
        print(f"error: {hidden(str(error))}", file=sys.stderr)
        return STEP_FAILED
    if os.environ.get("MLSPEC_TRACEBACK"):
        import traceback

        print(hidden("".join(traceback.format_exception(error))), file=sys.stderr)
    if isinstance(error, OSError) and error.filename is not None:
        print(f"error: {error.filename}: {(error.strerror or 'cannot be used').lower()}", file=sys.stderr)
        return STEP_FAILED
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EIO):
        # A full disk behind our output; Python must not try again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"error: the output can't be written: {(error.strerror or '').lower()}", file=sys.stderr)
        return STEP_FAILED
    if isinstance(error, FileNotFoundError) and error.errno is not None and error.strerror:
        # There is room for temporary files nowhere.
        print(f"error: {error.strerror[:1].lower()}{error.strerror[1:]}", file=sys.stderr)
        return STEP_FAILED
    text = " ".join(f"{type(error).__name__}: {hidden(str(error))}".split())
    print(f"internal error: {text} (MLSPEC_TRACEBACK=1 shows where; please report it)", file=sys.stderr)
    return INTERNAL
