"""What is fuzzed: a module a target, with ``one`` (an execution), ``seeds`` (inputs to begin with) and ``mutate``.

``one(data, scratch)`` calls what the commands call and says in a word what came of it. ``SHARE`` is how many executions
the target gets, next to 100 of an ordinary one. ``TRACED`` says whether coverage can guide it: a parser in another
language shows none. ``is_held(data)``, where there is one, tells whether a child process does in the commands what is
done here in this process: then a crash, and too much time or memory, are answers of the child, and no findings.
"""

import importlib
from pathlib import Path

from judge import Target


def names() -> list[str]:
    """The names of all targets."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def is_held(target: Target, data: bytes) -> bool:
    """Whether what an input does to the process is done to a child of the commands."""
    asked = getattr(target, "is_held", None)
    return asked is not None and bool(asked(data))


def load(name: str) -> Target:
    """A target by its name."""
    return importlib.import_module(f"targets.{name}")
