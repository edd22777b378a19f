"""Regular expressions that are compiled when first used: a process that lives for a moment uses few of them."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, cast


class _Pattern:
    """Stands for a compiled pattern: has the same attributes and methods."""

    def __init__(self, compiler: Any, *given: Any) -> None:
        self._compiler, self._given = compiler, given

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._compiler(*self._given), name)
        setattr(self, name, value)  # found without this method from now on
        return value


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern, compiled when one of its methods is first asked for. Raises re.error then, if it is none."""
    return cast("re.Pattern[str]", _Pattern(re.compile, text, flags))


@contextlib.contextmanager
def on_demand() -> Iterator[None]:
    """Meanwhile ``re.compile`` makes such patterns: PyYAML and what msgspec imports have 30 that are seldom used."""
    compiler = re.compile

    def later(given: Any, flags: int = 0) -> Any:
        return given if isinstance(given, _Pattern) else _Pattern(compiler, given, flags)

    re.compile = later  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = compiler
