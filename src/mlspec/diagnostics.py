"""Diagnostics as values: what is wrong, where it is, and what to do about it.

The errors that mlspec raises on purpose::

    MlspecError
    ├── SpecError      the spec or the command is wrong; carries every diagnostic found (exit 2)
    │   └── SourceError    the spec is right, but a source is unavailable (exit 3) ├── StepError      a step failed
    while it ran (exit 3) └── StoreError     a stored result is damaged or missing
"""

from collections.abc import Iterable, Mapping

import msgspec


class Span(msgspec.Struct, frozen=True, order=True):
    """A stretch of text in a file: lines and columns count from 1, columns in characters, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Place(msgspec.Struct, frozen=True):
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int


class Label(msgspec.Struct, frozen=True):
    """A second place that a diagnostic points at, with what it has to do with the first."""

    span: Span
    text: str


class Edit(msgspec.Struct, frozen=True):
    """A text that takes the place of what a span holds; nothing is held where the span has no length."""

    span: Span
    text: str


class Fix(msgspec.Struct, frozen=True):
    """A way out of a finding as edits of the file. ``safe``: the only one, so that no person has to choose."""

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


class Hint(msgspec.Struct, frozen=True):
    """What to do, in words and, where that is certain, as YAML.

    ``puts``: one of these in place of what is underlined, or as the value at the path ``at``; ``sure``: the words name
    no other way out.
    """

    text: str
    puts: tuple[str, ...] = ()
    at: tuple[str | int, ...] | None = None
    sure: bool = True


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. ``label`` follows the underline, ``notes`` below it, each on a line of its own; ``fixes`` are ways
    out that can be applied."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    also: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    severity: str = "error"
    fixes: tuple[Fix, ...] = ()


class MlspecError(Exception):
    """Anything mlspec refuses to go on from."""


class SpecError(MlspecError):
    """The spec, or what was asked, is wrong; ``diagnostics`` holds everything that was found, ``texts`` what is known
    of the texts that they point into."""

    def __init__(self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.texts = dict(texts or {})
        super().__init__("; ".join(d.message for d in self.diagnostics))


class SourceError(SpecError):
    """A source is unavailable, or not as the spec requires: down, too old, too short, changed."""


class StepError(MlspecError):
    """A step could not be carried out; the message is meant for the person who wrote the spec.

    ``setting``: the key, among the step's own, that the message is about; ``path``: the place in the spec that it is
    about, where that is not the step's own.
    """

    def __init__(self, message: str = "", setting: str = "", path: tuple[str | int, ...] = ()) -> None:
        self.setting, self.path = setting, path
        super().__init__(message)

    def __str__(self) -> str:
        # The data engine adds where in its query a function raised this, which does not help the reader.
        return super().__str__().partition("\n\nThis error occurred in the following expression")[0]


class StoreError(MlspecError):
    """A stored result is damaged or missing."""


def printable(text: str) -> str:
    """A text from elsewhere on one line, safe for any terminal, log or page: control characters, line separators,
    bidirectional marks and lone surrogates are spelled out as ``\\u{...}``."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else f"\\u{{{ord(c):x}}}" for c in text)


def workflow_command(kind: str, places: Mapping[str, str], words: Iterable[str]) -> str:
    """A line that GitHub shows at its place of the pull request; nothing in it can begin another command.

    ``places``: ``file``, ``line``, ``title`` and so on; ``message``: the text, one text a line.
    """

    def escaped(text: str, more: str = "") -> str:
        shown = printable(text)
        for char in ("%", *more):
            shown = shown.replace(char, f"%{ord(char):02X}")
        return shown

    listed = ",".join(f"{name}={escaped(value, ':,')}" for name, value in places.items())
    return f"::{kind} {listed}::{'%0A'.join(escaped(line) for line in words)}"


SHOWN = 20
WINDOW = 160
_RED, _YELLOW, _BLUE, _BOLD = "1;31", "1;33", "1;34", "1"


def render(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], *, color: bool = False) -> str:
    """Diagnostics as a person reads them: sorted by place, each drawn over the text it speaks of, then a count.

    ``texts`` holds the files' contents by the name that spans use.
    """
    ordered = sorted(diagnostics, key=lambda d: (d.span is None, d.span, d.code))
    lines = {file: text.split("\n") for file, text in texts.items()}
    blocks = [_block(d, lines, color) for d in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        blocks.append(f"and {len(ordered) - SHOWN} more")
    return "\n\n".join([*blocks, count(ordered)]) + "\n" if ordered else ""


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """``2 errors, 1 warning``."""
    severities = [d.severity for d in diagnostics]
    numbers = [(severities.count(s), s) for s in ("error", "warning") if s in severities]
    return ", ".join(f"{n} {s}{'s' if n > 1 else ''}" for n, s in numbers)


def _block(d: Diagnostic, lines: Mapping[str, list[str]], color: bool) -> str:
    tint = _RED if d.severity == "error" else _YELLOW
    out = [f"{_paint(f'{d.severity}[{d.code}]', tint, color)}{_paint(f': {printable(d.message)}', _BOLD, color)}"]
    places: list[tuple[Span, str, str]] = [] if d.span is None else [(d.span, "^", d.label)]
    places += [(label.span, "-", label.text) for label in d.also]
    width = max((len(str(span.line)) for span, _mark, _text in places), default=1)
    bar = _paint(f"{'':{width}} |", _BLUE, color)
    if d.span is not None:
        file = printable(d.span.file)
        where = f"{file}:{d.span.line}:{d.span.column}" if d.span.file in lines or d.span.line else file
        out += [f"{'':{width}}{_paint('-->', _BLUE, color)} {where}", bar]
        before: int | None = None
        for span, mark, text in sorted(places, key=lambda place: place[0].line):
            if before is not None and span.line > before + 1:
                out.append(_paint("...", _BLUE, color))
            if span.line != before:
                shown, start = _shown(lines, span)
                out.append(f"{_paint(f'{span.line:>{width}} |', _BLUE, color)} {shown}".rstrip())
            shown, start = _shown(lines, span)
            at = span.column - 1 - start
            end = span.end_column - 1 - start if span.end_line == span.line else len(shown)
            blank = _columns(shown[: max(at, 0)])
            under = mark * max(1, _columns(shown[max(at, 0) : max(end, at + 1)]) or 1)
            drawn = _paint(f"{under} {printable(text)}".rstrip(), tint if mark == "^" else _BLUE, color)
            out.append(f"{bar} {' ' * blank}{drawn}")
            before = span.line
    elif d.label:
        out.append(f"{bar} {printable(d.label)}")
    notes = (*map(printable, d.notes), f"see: mlspec explain {d.code}")
    out += [f"{'':{width}} {_paint('=', _BLUE, color)} {note}" for note in notes]
    return "\n".join(out)


def _shown(lines: Mapping[str, list[str]], span: Span) -> tuple[str, int]:
    """The part of a line that is shown, tabs as arrows, and how many characters were cut off before it."""
    texts = lines.get(span.file, [])
    line = texts[span.line - 1].rstrip("\r") if 0 < span.line <= len(texts) else ""
    start = 0 if len(line) <= WINDOW else max(0, min(span.column - 41, len(line) - WINDOW))
    if "://" in line and "@" in line:
        line = _without_passwords(line)
    cut = line[start : start + WINDOW].replace("\t", "→")
    return "".join(c if c.isprintable() else "\ufffd" for c in cut), start


def _without_passwords(line: str) -> str:
    """A password in an address is never shown, wherever it is."""
    import re

    return re.sub(r"(://[^/@:\s]*:)(?!\$\{)([^/@\s]+)(?=@)", lambda found: found[1] + "•" * len(found[2]), line)


def _columns(text: str) -> int:
    """How many terminal columns a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(1 for c in text if unicodedata.combining(c))


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color else text
