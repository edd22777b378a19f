"""Values as a spec has them, for hints that can be pasted."""

from typing import Any

from mlspec.machine.patterns import pattern

_PLAIN = pattern(r"[A-Za-z_][A-Za-z0-9_-]*")


def text(value: Any) -> str:
    """A value as YAML that can be in braces: a text is quoted where it would be read as something else."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in ("true", "false", "null"):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)
