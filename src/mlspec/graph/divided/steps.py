"""What all divided steps are made of. The name of a part is its step's with ``.part.`` and the number of the part."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from mlspec.graph.step import Input, Step

T = TypeVar("T")
Tables = dict[str, list[Input]]  # an output of each part, by the step that is divided


def part(
    step: Step,
    place: str,
    kind: str,
    params: dict[str, Any],
    inputs: dict[str, Input] | None = None,
    outputs: tuple[str, ...] = ("table",),
) -> Step:
    """A part of a step's work."""
    return beside(step, f"{step.id}.part.{place}", kind, params, inputs or {}, outputs)


def beside(
    step: Step, step_id: str, kind: str, params: dict[str, Any], inputs: dict[str, Input], outputs: tuple[str, ...]
) -> Step:
    """Work that a divided step needs done once, or for a part."""
    return Step(
        id=step_id,
        kind=kind,
        params=params,
        inputs=inputs,
        outputs=outputs,
        path=step.path,
        part_of=step.part_of or step.id,
    )


def gathering(step: Step, parts: Mapping[str, Sequence[Step]], more: Mapping[str, Input] | None = None) -> Step:
    """The step as the one that puts the results of its parts together, by output; ``more`` are outputs made once."""
    inputs = {f"{name}.{place}": Input(one.id, name) for name, mine in parts.items() for place, one in numbered(mine)}
    return replace(step, inputs={**inputs, **(more or {})}, whole=step.inputs)


def numbered(values: Sequence[T]) -> Iterator[tuple[str, T]]:
    """Values with the numbers of their parts."""
    return ((f"{number:05d}", value) for number, value in enumerate(values, 1))
