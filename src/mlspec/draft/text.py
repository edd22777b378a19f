"""A proposal as YAML: what is parsed again is exactly what was proposed, whatever the names of columns are."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlspec.diagnostics import printable
from mlspec.document import Path
from mlspec.draft import words

MOST_LINES, SIMPLE_KEY = 60, 1_000
BLOCKS: frozenset[tuple[str, ...]] = frozenset(
    {
        (),
        ("project",),
        ("constraints",),
        ("constraints", "quality"),
        ("data",),
        ("data", "sources"),
        ("data", "columns"),
        ("data", "columns", "drop"),
        ("data", "columns", "types"),
        ("data", "personal"),
        ("data", "expect"),
        ("preprocessing",),
        ("preprocessing", "columns"),
        ("model",),
        ("model", "candidates"),
        ("evaluation",),
        ("profiles",),
        ("profiles", "quick"),
    }
)
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
# What one of the YAML versions in use reads as something else than text.
_NOT_TEXT = words.every("true false null yes no on off y n . .. .inf .nan ~")


class Written(NamedTuple):
    """A text, and the place in the proposal that each of its lines is about."""

    text: str
    places: tuple[Path, ...]


def written(spec: Mapping[str, Any], comments: Mapping[Path, str], above: Mapping[Path, tuple[str, ...]]) -> Written:
    """The text of a spec of plain values; ``comments`` follow the line of their place, ``above`` stand before it."""
    lines: list[tuple[str, Path]] = []
    _block(spec, (), "", lines, comments, above)
    return Written("".join(f"{line}\n" for line, _place in lines), tuple(place for _line, place in lines))


def _block(
    value: Any,
    at: Path,
    indent: str,
    lines: "list[tuple[str, Path]]",
    comments: Mapping[Path, str],
    above: Mapping[Path, tuple[str, ...]],
) -> None:
    entries = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in entries:
        place = (*at, key)
        lead = f"{indent}{scalar(key)}:" if isinstance(value, Mapping) else f"{indent}-"
        comment = f"  # {printable(comments[place])}" if place in comments else ""
        lines += [(f"{indent}# {printable(text)}", place) for text in above.get(place, ())]
        if (
            place in BLOCKS
            and inner
            and not isinstance(inner, str)
            and (len(inner) <= MOST_LINES or isinstance(value, list))
        ):
            lines.append((lead + comment, place))
            _block(inner, place, indent + "  ", lines, comments, above)
        else:
            lines.append((f"{lead} {flow(inner)}{comment}", place))


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A plain value; text in quotes where it would be read as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT and not _like_a_number(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _like_a_number(text: str) -> bool:
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x20 or char == "\x7f":
        return json.dumps(char)[1:-1] if code < 0x20 else "\\x7f"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_writable_key(name: str) -> bool:
    """Whether a name can be the key of a mapping: YAML reads at most 1,024 characters as one, and `<<` is refused."""
    return len(scalar(name)) <= SIMPLE_KEY and name != "<<"
