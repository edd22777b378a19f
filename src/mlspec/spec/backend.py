"""The ``backend`` key: who carries the steps out (engine), and on what (device)."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes

PRESETS: dict[str, dict[str, object]] = {
    "cpu": {},
    "gpu": {"device": "cuda"},
    "dvc": {"engine": "dvc"},
}


class Backend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who carries the steps out and on what; ``cpu`` and ``gpu`` are names for whole settings."""

    engine: Annotated[
        str,
        Meta(description="Who carries the steps out.", extra={"engines": True}, examples=["local", "inline", "dvc"]),
    ] = "local"
    device: Annotated[
        str,
        Meta(
            description="What networks train on.",
            pattern=r"^(cpu|auto|mps|cuda(:\d+)?)$",
            examples=["cpu", "cuda", "auto"],
        ),
    ] = "cpu"
    workers: Annotated[
        int | None,
        Meta(description="Steps at the same time; as many as there are cores if left out.", ge=1, le=256),
    ] = None
    memory: Annotated[
        Bytes | None,
        Meta(description="Memory that running steps may take together; what is free if left out."),
    ] = None
