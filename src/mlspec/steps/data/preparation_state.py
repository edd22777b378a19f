"""The fitted state of a preparation, as ``state.json`` has it: looked at before anything is made of it."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from mlspec.steps.data import preparation
from mlspec.steps.serving.package_format import Kind


class _Entry(Struct, frozen=True):
    """A raw column, or one that is made of several, with its stages: step, settings, the states of its columns."""

    name: str
    type: Kind
    stages: tuple[tuple[str, dict[str, Any], tuple[dict[str, Any] | None, ...]], ...]
    of: tuple[Literal["product", "ratio", "cross"], tuple[str, ...]] | None = None


class _Output(Struct, frozen=True):
    name: str
    type: Literal["integer", "number", "boolean", "code", "array"]
    levels: int | None = None
    names: tuple[str, ...] | None = None
    shape: tuple[int, ...] | None = None


class _Target(Struct, frozen=True):
    name: str
    type: str
    classes: tuple[str, ...] | None
    transform: Literal["log"] | None = None


class _State(Struct, frozen=True):
    version: Literal[1]
    columns: tuple[_Entry, ...]
    outputs: tuple[_Output, ...]
    target: _Target
    weight: str | None = None


def checked(state: Any, classes: int) -> dict[str, Any]:
    """The state, where its columns and steps fit together and give its outputs, for a target of so many classes.

    Raises ValueError otherwise.
    """
    known = msgspec.convert(state, _State)
    count = 0 if known.target.classes is None else len(known.target.classes)
    if count != classes:
        raise ValueError(f"its target has {count} classes, the package {classes}")
    for entry in known.columns:
        if entry.of is not None and len(entry.of[1]) < 2:
            raise ValueError(f"'{entry.name}' is made of fewer than two columns")
    try:
        made = preparation.outputs(state)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # what a step is given it does not look at, and Rust has its panics
        raise ValueError(f"a step can't be applied: {type(error).__name__}: {error}") from None
    if made != state["outputs"]:
        raise ValueError("its steps give other columns than it says")
    found: dict[str, Any] = state
    return found
