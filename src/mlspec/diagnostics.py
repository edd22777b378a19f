"""Diagnostics as values: what is wrong, where it stands, and what to do about it.

The errors that mlspec raises on purpose::

    MlspecError
    ├── SpecError      the spec or the command is wrong; carries every diagnostic found (exit 2)
    ├── StepError      a step failed while it ran (exit 3)
    └── StoreError     a stored result is damaged or missing
"""

from collections.abc import Iterable

import msgspec


class Span(msgspec.Struct, frozen=True, order=True):
    """A stretch of text in a file: lines and columns count from 1, columns in characters, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


class Label(msgspec.Struct, frozen=True):
    """A second place that a diagnostic points at, with what it has to do with the first."""

    span: Span
    text: str


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. ``label`` stands behind the underline, ``notes`` below it, each on a line of its own."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    also: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    severity: str = "error"


class MlspecError(Exception):
    """Anything mlspec refuses to go on from."""


class SpecError(MlspecError):
    """The spec, or what was asked, is wrong; ``diagnostics`` holds everything that was found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))


class StepError(MlspecError):
    """A step could not be carried out; the message is meant for the person who wrote the spec."""


class StoreError(MlspecError):
    """A stored result is damaged or missing."""
