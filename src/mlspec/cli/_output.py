"""How commands talk: results to stdout, everything else to stderr, colour only on a terminal that wants it."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from mlspec.diagnostics import Diagnostic


def colored(stream: IO[str]) -> bool:
    """Whether to write colour to a stream: a terminal, unless NO_COLOR or TERM=dumb say otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def result(text: str, file: str | None = None, *inputs: str) -> None:
    """Print a result, or write it to a file, whole or not at all, that is none of the ``inputs``."""
    text = text if text.endswith("\n") else text + "\n"
    if file is None:
        sys.stdout.write(text)
        return
    write(file, text, *inputs)
    talk(f"wrote {file}")


def write(file: str, text: str, *inputs: str) -> None:
    """Write a text file, whole or not at all. Raises OSError naming the file, SpecError where it is an input."""
    from mlspec.machine import whole_files

    with whole_files.output(file, inputs) as output:
        output.write(text.encode())


def talk(text: str) -> None:
    """Tell something that is no result."""
    print(text, file=sys.stderr)


def show_diagnostics(diagnostics: Iterable["Diagnostic"], texts: Mapping[str, str] | None = None) -> None:
    """Print diagnostics with the lines they point at; ``texts`` holds files' contents, read where they are missing."""
    from mlspec.diagnostics import render

    found = tuple(diagnostics)
    if found:
        from mlspec.sources._secrets import masked

        lines = {name: masked(text) for name, text in with_files(found, texts or {}).items()}
        talk(render(found, lines, color=colored(sys.stderr)).rstrip("\n"))


def with_files(diagnostics: Sequence["Diagnostic"], texts: Mapping[str, str]) -> dict[str, str]:
    """The texts, and those of files that diagnostics point into and that can be read."""
    from pathlib import Path

    known = dict(texts)
    for diagnostic in diagnostics:
        for span in (diagnostic.span, *(label.span for label in diagnostic.also)):
            if span is not None and span.file not in known:
                try:
                    with Path(span.file).open(encoding="utf-8-sig", errors="replace", newline="") as handle:
                        known[span.file] = handle.read(4 << 20)
                except OSError:
                    continue
    return known


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(words), 1, 0.6)), None)
