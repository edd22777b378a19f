"""What is fuzzed: a module a target, with ``one`` (an execution), ``seeds`` (inputs to begin with) and ``mutate``.

``one(data, scratch)`` calls what the commands call and says in a word what came of it. ``SHARE`` is how many executions
the target gets, next to 100 of an ordinary one. ``TRACED`` says whether coverage can guide it: a parser in another
language shows none.
"""

import importlib
from pathlib import Path

from judge import Target


def names() -> list[str]:
    """The names of all targets."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def load(name: str) -> Target:
    """A target by its name."""
    return importlib.import_module(f"targets.{name}")
