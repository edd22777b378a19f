"""What is wrong with specs, as a comment on a pull request in the place of one that compares them."""

from collections.abc import Sequence

from mlspec.diagnostics import Diagnostic, count
from mlspec.diff.show import words
from mlspec.diff.show.markdown import EVERY, code, marker

MOST = 40
LONGEST = 400


def findings(diagnostics: Sequence[Diagnostic], specs: Sequence[str]) -> str:
    """The comment; it ends in the marker of the comparison, which it replaces until the specs are valid."""
    errors = [one for one in diagnostics if one.severity == "error"]
    lines = [f"⛔ **Not valid: {count(errors)}**" if errors else "✅ **Valid**", ""]
    if errors:
        lines += ["Nothing is compared until this is corrected.", "", "| where | what is wrong |", "| --- | --- |"]
        lines += [_row(one) for one in errors[:MOST]]
        if len(errors) > MOST:
            lines += ["", f"**{words.plural(len(errors) - MOST, 'more error')} do not fit here**: `mlspec validate`"]
        lines.append("")
    return "\n".join([*lines, marker(specs[0] if len(specs) == 1 else EVERY), ""])


def _row(one: Diagnostic) -> str:
    span = one.span
    where = "" if span is None else code(f"{span.file}:{span.line}" if span.line else span.file)
    told = [one.message, *([one.label] if one.label else []), *one.notes]
    return f"| {where} | {'<br>'.join(code(text[:LONGEST]) for text in told)}<br><sub>{code(one.code)}</sub> |"
