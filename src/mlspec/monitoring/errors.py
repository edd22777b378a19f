"""What is wrong with what monitoring is given, as diagnostics."""

from mlspec.diagnostics import Diagnostic, SpecError


def refused(code: str, message: str, *notes: str) -> SpecError:
    """The error of one diagnostic."""
    return SpecError([Diagnostic(code=code, message=" ".join(message.split()), notes=notes)])
