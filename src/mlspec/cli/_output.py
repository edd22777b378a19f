"""How commands talk: results to stdout, everything else to stderr, colour only on a terminal that wants it."""

import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Literal

from mlspec.cli._streams import is_log, safe, safe_json

if TYPE_CHECKING:
    from mlspec.diagnostics import Diagnostic

NARROWEST = 40  # columns, below which nothing is wrapped
Form = Literal["text", "json", "commands", "data"]
FORMS: Mapping[str, Form] = {
    **dict.fromkeys(("text", "tree", "trace", "explain"), "text"),
    **dict.fromkeys(("json", "sarif"), "json"),
    "github": "commands",
}


def colored(stream: IO[str]) -> bool:
    """Whether to write colour to a stream: a terminal, unless NO_COLOR or TERM=dumb say otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def result(text: str, file: str | None = None, *inputs: str, form: Form = "text") -> None:
    """Print a result, or write it to a file, whole or not at all, that is none of the ``inputs``.

    ``form``: ``text`` for people, ``json``, ``commands`` that GitHub obeys, or other ``data``: unchanged in files and
    for programs, made safe like a text where a terminal or a log of CI shows it.
    """
    whole = text if text.endswith("\n") else text + "\n"
    if form == "json":
        whole = safe_json(whole)
    elif form != "data" or (file is None and is_log(sys.stdout)):
        color = file is None and form == "text" and colored(sys.stdout)
        piped = form == "data" and not sys.stdout.isatty()
        whole = safe(whole, color=color, commands=form == "commands", data=piped)
    if file is not None:
        write(file, whole, *inputs)
        from mlspec.diagnostics import printable

        talk(f"wrote {printable(file)}")
        return
    if form in ("json", "data") and isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding != "utf-8":
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(whole)


def form_of(name: str) -> Form:
    """The form of what a command prints under the name of a format."""
    return FORMS.get(name, "data")


def write(file: str, text: str, *inputs: str) -> None:
    """Write a text file, whole or not at all. Raises OSError naming the file, SpecError where it is an input."""
    from mlspec.machine import whole_files

    with whole_files.output(file, inputs) as output:
        output.write(text.encode())


def talk(text: str) -> None:
    """Print a message that is not a result to stderr."""
    print(safe(text, color=colored(sys.stderr)), file=sys.stderr)


def show_diagnostics(diagnostics: Iterable["Diagnostic"], texts: Mapping[str, str] | None = None) -> None:
    """Print diagnostics with the lines they point at; ``texts`` holds files' contents, read where they are missing."""
    from mlspec.diagnostics import render

    found = tuple(diagnostics)
    if found:
        from mlspec.sources._secrets import masked

        lines = {name: masked(text) for name, text in with_files(found, texts or {}).items()}
        text = render(found, lines, color=colored(sys.stderr)).rstrip("\n")
        talk(wrapped(text, os.get_terminal_size(sys.stderr.fileno()).columns) if sys.stderr.isatty() else text)


def wrapped(text: str, width: int) -> str:
    """Diagnostics in lines of at most so many columns, broken between words; lines of a spec stay whole."""
    return text if width < NARROWEST else "\n".join(one for line in text.split("\n") for one in _wrapped(line, width))


def _wrapped(line: str, width: int) -> list[str]:
    import re

    style = r"(?:\x1b\[[0-9;]*m)"
    gap = rf"(?:{style}| )*"
    head = re.match(rf"{style}*(?:error|warning)\[|{gap}={gap}|({gap}\|{gap})[\^-]+ ", line)
    plain = re.sub(style, "", line)
    if head is None or len(plain) <= width:
        return [line]
    before = len(re.sub(style, "", head[0])) if "[" not in re.sub(style, "", head[0]) else 2
    bar = plain.index("|") + 1 if head[1] else 0
    indent = plain[:bar] + " " * (min(before, width // 2) - bar)
    words = line[head.end() :].split(" ")
    lines, used = [head[0] + words[0]], len(re.sub(style, "", head[0] + words[0]))
    for word in words[1:]:
        size = len(re.sub(style, "", word))
        if used + 1 + size > width:
            lines.append(indent + word)
            used = len(indent) + size
        else:
            lines[-1] += f" {word}"
            used += 1 + size
    return lines


def with_files(diagnostics: Sequence["Diagnostic"], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts, and those of files that diagnostics point into and that can be read."""
    from mlspec.machine import safe_files

    known = dict(texts)
    for diagnostic in diagnostics:
        for span in (diagnostic.span, *(label.span for label in diagnostic.also)):
            if span is not None and span.file not in known:
                try:
                    with safe_files.opened(span.file) as handle:
                        known[span.file] = handle.read(4 << 20).decode("utf-8-sig", "replace")
                except (OSError, ValueError):
                    continue
    return known


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(words), 1, 0.6)), None)


def say_first_rows(sources: Sequence[str]) -> None:
    """Say of which sources the first rows alone were looked at; nothing of none."""
    if sources:
        from mlspec.sources._bounds import ROWS

        talk(f"column types are those of the first {ROWS:,} rows of {', '.join(sources)}; a run reads all")
