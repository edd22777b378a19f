"""The ``backend`` and ``backends`` keys: who carries the steps out, on what, and within what limits."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes, Seconds

PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "gpu": {"device": "cuda"},
    "multi-gpu": {"device": "cuda", "processes": "auto"},
    "dvc": {"engine": "dvc"},
    "dvc-gpu": {"engine": "dvc", "device": "cuda"},
}


class Backend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who carries the steps out, on what, and within what limits.

    ``cpu``, ``gpu``, ``multi-gpu``, ``dvc`` and ``dvc-gpu`` are names for whole settings; ``backends`` adds others.
    """

    engine: Annotated[
        str,
        Meta(description="Who carries the steps out.", extra={"engines": True}, examples=["local", "inline", "dvc"]),
    ] = "local"
    device: Annotated[
        str,
        Meta(
            description="What networks train on.",
            pattern=r"^(cpu|auto|mps|cuda(:[0-9]+)?)$",
            examples=["cpu", "cuda", "cuda:1", "auto"],
        ),
    ] = "cpu"
    precision: Annotated[
        Literal["fp32", "tf32", "bf16", "fp16"],
        Meta(
            description="What networks compute in while they train; their weights stay fp32. tf32 is for NVIDIA GPUs."
        ),
    ] = "fp32"
    compile: Annotated[
        bool,
        Meta(
            description="Compile networks with torch.compile before training, on a GPU with CUDA graphs: seconds at "
            "the start, less time for each step."
        ),
    ] = False
    processes: Annotated[
        Literal["auto", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        Meta(
            description="Processes that train one network together, each on its share of every batch: a number, or "
            "auto for one on each GPU of the machine."
        ),
    ] = 1
    on_out_of_memory: Annotated[
        Literal["fail", "accumulate"],
        Meta(
            description="When a batch does not fit: fail, saying which would; or take it in halves and add up their "
            "gradients."
        ),
    ] = "fail"
    workers: Annotated[
        int | None,
        Meta(description="Steps at the same time; as many as there are cores if left out.", ge=1, le=256),
    ] = None
    memory: Annotated[
        Bytes | None,
        Meta(
            description="Memory that running steps may take together; the largest is ended when they take more. What "
            "is free, and no limit, if left out."
        ),
    ] = None
    step_timeout: Annotated[Seconds | None, Meta(description="A step that takes longer is ended and has failed.")] = (
        None
    )
    run_timeout: Annotated[
        Seconds | None, Meta(description="A run that takes longer is ended; what is done is kept.")
    ] = None
    store: Annotated[
        str | None,
        Meta(
            description="A store shared with others: a folder, or a URL that fsspec knows. Results are looked for "
            "there before they are computed, and put there afterwards.",
            min_length=1,
            examples=["/mnt/team/mlspec", "s3://bucket/mlspec"],
        ),
    ] = None
