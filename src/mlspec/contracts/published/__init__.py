"""The schemas that standards of data contracts publish; ``ORIGIN.md`` says where each is from and its licence."""

import json
from pathlib import Path
from typing import Any


def schema(name: str) -> dict[str, Any]:
    """One of them, by the name of its file without the ending."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
    return found
