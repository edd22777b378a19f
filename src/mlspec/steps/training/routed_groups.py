"""What a package says of the groups that have answers of their own."""

import re
from typing import Any, Literal

from msgspec import Struct

NAME = re.compile(r"[0-9a-f]{16}|shared")  # of a group's folder


class Personal(Struct, frozen=True, kw_only=True):
    """Which groups a package answers with further models: by the value of ``key`` (``level`` user: by its digest), the
    name of the model's folder; ``model`` is what these are (name, settings)."""

    key: str
    level: Literal["group", "user"]
    model: tuple[str, dict[str, Any]]
    groups: dict[str, str]
