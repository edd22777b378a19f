"""The ``constraints`` key: what must hold. Most of its keys are plug-ins, each of which becomes gates."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct

from mlspec.document import Path
from mlspec.plugins.constraint import Constraint
from mlspec.spec.types import Seconds

_C = TypeVar("_C", bound=Constraint)


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A requirement that is knowingly not held to. It is still measured where it can be, and shown with the reason."""

    requirement: Annotated[
        str,
        Meta(
            description="The requirement's name, as `mlspec validate --requirements` lists them.",
            examples=["quality.roc_auc", "goals.trust"],
        ),
    ]
    reason: Annotated[
        str,
        Meta(description="The justification for waiving it; shown in the report.", min_length=1, extra={"prose": True}),
    ]


class Infrastructure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and on what the project may run; anything else is an error, what this machine is not, one in `run`."""

    engines: Annotated[
        tuple[str, ...] | None, Meta(description="Engines that may run the steps.", examples=[["local"]])
    ] = None
    devices: Annotated[
        tuple[Literal["cpu", "cuda", "mps"], ...] | None, Meta(description="Kinds of devices that may be used.")
    ] = None
    platforms: Annotated[
        tuple[Literal["linux", "darwin", "win32"], ...] | None, Meta(description="Operating systems that may be used.")
    ] = None
    machines: Annotated[
        tuple[str, ...] | None,
        Meta(description="Processor architectures that may be used.", examples=[["x86_64", "arm64"]]),
    ] = None


class Constraints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold. Every entry is decided by a gate: pass, fail, or unknown (which is not a pass).

    ``gates`` holds what is stated below the plug-ins' keys: a constraint, or a tuple of them.
    """

    gates: Annotated[dict[str, Any], Meta(extra={"plugin_keys": "constraints"})] = {}
    deadline: Annotated[
        Seconds | None,
        Meta(description="Bound on the critical path: the time that remains with any number of workers."),
    ] = None
    infrastructure: Annotated[Infrastructure | None, Meta(description="Where the project may run.")] = None
    reviewers: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="Who must approve a change, by section of the spec; `mlspec compile --format codeowners` "
            "writes the lines.",
            examples=[{"data": ["@data-team"], "constraints": ["@risk"]}],
            extra={"prose": True},
        ),
    ] = {}
    waivers: Annotated[
        tuple[Waiver, ...], Meta(description="Requirements that are waived, each with a justification.")
    ] = ()

    def stated(self) -> Iterator[tuple[Path, str, Constraint]]:
        """The constraints, each with its place and the name of its kind."""
        for name, found in self.gates.items():
            if isinstance(found, tuple):
                yield from ((("constraints", name, index), name, entry) for index, entry in enumerate(found))
            else:
                yield ("constraints", name), name, found

    def each(self, kind: type[_C]) -> list[tuple[Path, _C]]:
        """Those of one kind, each with its place."""
        return [(path, found) for path, _, found in self.stated() if isinstance(found, kind)]

    def one(self, kind: type[_C]) -> _C | None:
        """The one of a kind that is stated once; None where it isn't."""
        return next((found for _, found in self.each(kind)), None)
