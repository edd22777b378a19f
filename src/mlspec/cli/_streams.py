"""What may reach a terminal or a log: text in which nothing from elsewhere can do anything.

Every text that a command prints goes through ``safe``; a process of its own also sends through it whatever libraries
write to the error stream.
"""

import io
import os
import stat
import sys
from collections.abc import Callable
from typing import IO

# What our own colours are made of (see report/terminal/paint.py): nothing that moves the cursor or hides text.
COLORS = frozenset(("0", "1", "2", *(f"{bold}3{n}" for bold in ("", "1;") for n in range(1, 7))))
# Set where what is printed becomes a log whose lines can be commands.
CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION")

NATIVE_BYTES = 1 << 16  # of what libraries wrote past Python, shown at most

NO_WIDTH = "\u00ad\u200b\u200c\u200d\u2060\ufeff"


def safe(text: str, *, color: bool = False, commands: bool = False, data: bool = False) -> str:
    """A text as it may be shown: characters that control, reorder or break lines are spelled out, but for line breaks,
    tabs and (``color``) our own colours; no line is a workflow command of GitHub, Azure or TeamCity, except where it is
    meant to be one (``commands``). In ``data`` for programs, characters that merely have no width stay."""
    if "\n" in text:
        return "\n".join(safe(line, color=color, commands=commands, data=data) for line in text.split("\n"))
    line = text.removesuffix("\r")
    if not line.isprintable():
        first, *rest = line.split("\x1b[")
        line = "".join((_spelled(first, data), *(_sequence(part, color, data) for part in rest)))
    if commands:
        return line
    bare = line.lstrip()
    while bare.startswith("\x1b["):
        bare = bare.partition("m")[2].lstrip()
    if bare.startswith("::"):
        line = f"{line[: len(line) - len(bare)]}\\{bare}"
    return _without_commands(line, "\\#")


def safe_json(text: str) -> str:
    """The same JSON, with what ``safe`` would spell out escaped as JSON does it."""
    if not text.isascii() or "\x7f" in text:
        import json

        from mlspec.diagnostics import printable

        for char in {char for char in set(text) if char != "\n" and printable(char) != char}:
            text = text.replace(char, json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f")
    return _without_commands(text, "\\u0023")


def _without_commands(text: str, escaped: str) -> str:
    """The text without ``##[command]``, ``##vso[...]`` or ``##teamcity[...]``, which count wherever they are."""
    if "##" not in text:
        return text
    import re

    return re.sub(r"##(?=[\w.]*\[)", lambda _found: f"#{escaped}", text)


def is_log(stream: IO[str]) -> bool:
    """Whether people, or a program that obeys lines, read what is written to a stream: a terminal, or a log of CI."""
    try:
        return stream.isatty() or (
            any(os.environ.get(name) for name in CI) and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        )
    except (OSError, ValueError):
        return True


class Errors(io.TextIOWrapper):
    """The error stream of a process: whatever writes to it, the text is made safe first. What can't be written, but for
    lack of a reader, is left out: there is no other place to report it."""

    within = False
    raw: IO[str] | None = None  # held, for it would close the buffer that both write to

    def write(self, text: str) -> int:
        """Write a piece of text, which may begin within a line."""
        color = self.isatty()
        first, line_break, rest = text.partition("\n")
        shown = safe(first, color=color, commands=self.within) + line_break + safe(rest, color=color)
        self.within = bool((rest if line_break else first).strip()) or (self.within and not line_break)
        self._tried(lambda: super(Errors, self).write(shown))
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        self._tried(super().flush)

    def _tried(self, work: Callable[[], object]) -> None:
        try:
            work()
        except BrokenPipeError:
            raise
        except OSError:
            silence(self)


def prepare() -> None:
    """Make the standard streams fit to be written to: those that are closed lead nowhere, and what their encoding lacks
    is spelled out. No file that is opened later can then take a standard stream's number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def guard_errors() -> None:
    """Make safe whatever this process writes to its error stream from now on."""
    raw = sys.stderr
    sys.stderr = Errors(raw.buffer, encoding=raw.encoding, errors="backslashreplace", line_buffering=True)
    sys.stderr.raw = raw


def hold_native() -> Callable[[bool], None]:
    """Keep back what libraries write past Python to the error stream, such as the stack of a crate that gives up on a
    damaged file. The function returned ends that, and shows the last of it or leaves it out. Call ``guard_errors``
    before."""
    import tempfile

    shown, own = sys.stderr, os.dup(2)
    if not isinstance(shown, Errors):
        return lambda _show: os.close(own)
    try:
        held = tempfile.TemporaryFile()  # noqa: SIM115  closed where it ends
    except OSError:
        return lambda _show: os.close(own)
    sys.stderr = Errors(os.fdopen(own, "wb"), encoding=shown.encoding, errors="backslashreplace", line_buffering=True)
    os.dup2(held.fileno(), 2)

    def end(show: bool) -> None:
        sys.stderr.flush()
        os.dup2(own, 2)
        sys.stderr = shown
        with held:
            held.seek(max(0, held.seek(0, io.SEEK_END) - NATIVE_BYTES))
            if show:
                shown.write(held.read().decode("utf-8", "backslashreplace"))

    return end


def unguarded(stream: IO[str]) -> IO[str]:
    """The stream below, for what moves the cursor itself and makes safe what it shows."""
    return stream.raw if isinstance(stream, Errors) and stream.raw is not None else stream


def silence(stream: IO[str]) -> None:
    """Lead a stream nowhere, so that nothing tries again what has failed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _sequence(text: str, color: bool, data: bool) -> str:
    """What follows the beginning of an escape sequence."""
    code, end, rest = text.partition("m")
    ours = color and end and code in COLORS
    return f"\x1b[{code}m{_spelled(rest, data)}" if ours else f"\\u{{1b}}[{_spelled(text, data)}"


def _spelled(text: str, data: bool) -> str:
    from mlspec.diagnostics import printable

    kept = f"\t{NO_WIDTH}" if data else "\t"
    return "".join(char if char in kept else printable(char) for char in text)
